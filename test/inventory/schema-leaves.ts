/** Every value a schema can hold, with the way to it: to prove that nothing was left out of a list written by hand. */
import type { $ZodType } from 'zod/v4/core';
import { definition, unwrap } from '../../src/inventory/explain/schema.ts';

export interface Leaf {
  /** Names people choose are `*`, items of a list `[]`. */
  path: string;
  leaf: $ZodType;
}

export function schemaLeaves(schema: $ZodType, path: readonly string[] = []): Leaf[] {
  const shape = unwrap(schema);
  const def = definition(shape);
  if (def.type === 'object') {
    return Object.entries(def.shape).flatMap(([key, field]) => schemaLeaves(field, [...path, key]));
  }
  if (def.type === 'record') return schemaLeaves(def.valueType, [...path, '*']);
  if (def.type === 'array') return schemaLeaves(def.element, [...path, '[]']);
  if (def.type === 'union') return def.options.flatMap((option) => schemaLeaves(option, path));
  return [{ path: path.join('.'), leaf: shape }];
}
