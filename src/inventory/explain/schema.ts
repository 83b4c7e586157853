/** Reads zod's description of a shape: where a path leads in it, and in words what belongs there. */
import type { $ZodType, $ZodTypes } from 'zod/v4/core';
import type { z } from 'zod';
import { oneOf } from '../nearest.ts';
import { filePath, secretReference } from '../schema/common.ts';

type Def = $ZodTypes['_zod']['def'];

/** The shape itself, without the wrappers that make it optional or give it a default. */
export function unwrap(schema: $ZodType): $ZodType {
  let inner = schema;
  for (;;) {
    const def = definition(inner);
    if (def.type !== 'optional' && def.type !== 'default' && def.type !== 'prefault') return inner;
    inner = def.innerType;
  }
}

export function definition(schema: $ZodType): Def {
  return (schema as $ZodTypes)._zod.def;
}

/** Descriptions copy a schema but keep its definition, so this holds for every described secret too. */
export function isSecret(schema: $ZodType | undefined): boolean {
  return schema !== undefined && definition(unwrap(schema)) === definition(secretReference);
}

/** The nearest description on the way to the shape itself. */
export function description(schema: $ZodType | undefined): string | undefined {
  for (let inner = schema; inner;) {
    const text = (inner as z.ZodType).description;
    if (text !== undefined) return text;
    const def = definition(inner);
    inner = 'innerType' in def ? def.innerType : undefined;
  }
  return undefined;
}

/** The fields of a mapping, or none. */
export function fields(schema: $ZodType | undefined): Record<string, $ZodType> {
  const def = schema && definition(unwrap(schema));
  return def?.type === 'object' ? def.shape : {};
}

/**
 * Which one of several shapes is meant: the one with the same `type`, else the one whose only field is there.
 * Undefined when that cannot be said.
 */
export function meant(
  options: readonly $ZodType[],
  discriminator: string | undefined,
  value: unknown,
): number {
  if (typeof value !== 'object' || value === null) return -1;
  const tells = (option: $ZodType): boolean => {
    const shape = fields(option);
    if (discriminator === undefined) return Object.keys(shape).some((key) => Object.hasOwn(value, key));
    const literal = shape[discriminator] && definition(shape[discriminator]);
    const given: unknown = Object.entries(value).find(([key]) => key === discriminator)?.[1];
    return literal?.type === 'literal' && literal.values.some((known) => known === given);
  };
  const matching = options.flatMap((option, index) => (tells(option) ? [index] : []));
  return matching.length === 1 ? (matching[0] ?? -1) : -1;
}

export function discriminatorOf(schema: $ZodType): string | undefined {
  const def = definition(schema);
  return 'discriminator' in def && typeof def.discriminator === 'string' ? def.discriminator : undefined;
}

/** The shape of what one step deeper belongs there; the value chooses between several. */
export function child(schema: $ZodType, key: string | number, value: unknown): $ZodType | undefined {
  const shape = unwrap(schema);
  const def = definition(shape);
  if (def.type === 'object') return Object.hasOwn(def.shape, key) ? def.shape[key] : undefined;
  if (def.type === 'record') return def.valueType;
  if (def.type === 'array') return def.element;
  if (def.type !== 'union') return undefined;
  const option = def.options[meant(def.options, discriminatorOf(shape), value)];
  return option && child(option, key, value);
}

/** What belongs here, as a phrase: `a whole number from 1 to 65535`, `POST, PUT or DELETE`, `a list`. */
export function expected(schema: $ZodType | undefined): string {
  if (!schema) return 'something else';
  const def = definition(unwrap(schema));
  switch (def.type) {
    case 'string':
      return text(schema);
    case 'number':
      return number(schema);
    case 'boolean':
      return 'true or false';
    case 'enum':
      return oneOf(Object.values(def.entries).map(String));
    case 'literal':
      return oneOf(def.values.map(String));
    case 'array':
      return minimum(schema) > 0 ? `a list of at least ${minimum(schema)} item` : 'a list';
    case 'object': {
      const needed = Object.entries(def.shape).filter(([, field]) => field._zod.optin !== 'optional');
      if (needed.length === 0) return 'a mapping';
      return `a mapping with ${needed.map(([key]) => key).join(', ')}`;
    }
    case 'record':
      return 'a mapping of names';
    case 'union': {
      const discriminator = discriminatorOf(unwrap(schema));
      if (discriminator !== undefined)
        return `a mapping with ${discriminator}: ${oneOf(tags(def.options, discriminator))}`;
      return `a mapping with exactly one of ${oneOf(def.options.flatMap((option) => Object.keys(fields(option))))}`;
    }
    default:
      return 'something else';
  }
}

/** The values of `type` that tell several shapes apart. */
export function tags(options: readonly $ZodType[], discriminator: string): string[] {
  return options.flatMap((option) => {
    const field = fields(option)[discriminator];
    const def = field && definition(field);
    return def?.type === 'literal' ? def.values.map(String) : [];
  });
}

type Check = {
  check?: string;
  format?: string;
  minimum?: number;
  maximum?: number;
  value?: number;
  error?: unknown;
};

function checks(schema: $ZodType): Check[] {
  return (definition(unwrap(schema)).checks ?? []).map((check) => check._zod.def as Check);
}

function minimum(schema: $ZodType): number {
  const check = checks(schema).find(({ check }) => check === 'min_length');
  return check?.minimum ?? 0;
}

/** The words given with a pattern; otherwise the limits. */
function text(schema: $ZodType): string {
  const all = checks(schema);
  const def = definition(unwrap(schema));
  if ('format' in def && def.format === 'url') return 'an http or https address';
  const said = all.filter(({ check }) => check === 'string_format').map(message);
  const words = said.find((one) => one !== undefined);
  if (words !== undefined) return words;
  if (definition(unwrap(schema)) === definition(filePath)) return 'a path';
  const longest = all.find(({ check }) => check === 'max_length')?.maximum;
  const least = minimum(schema);
  if (longest === undefined) return 'text';
  return least > 0 ? `text of ${least} to ${longest} characters` : `text of at most ${longest} characters`;
}

function message({ error }: Check): string | undefined {
  const said: unknown = typeof error === 'function' ? (error as (issue: object) => unknown)({}) : error;
  return typeof said === 'string' ? said : undefined;
}

function number(schema: $ZodType): string {
  const all = checks(schema);
  const what = all.some(({ check }) => check === 'number_format') ? 'a whole number' : 'a number';
  const from = all.find(({ check }) => check === 'greater_than')?.value;
  const to = all.find(({ check }) => check === 'less_than')?.value;
  if (from !== undefined && to !== undefined) return `${what} from ${from} to ${to}`;
  return from === undefined ? what : `${what} of at least ${from}`;
}
