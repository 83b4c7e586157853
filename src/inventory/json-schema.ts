/** The schema of an inventory as JSON Schema, for editors: completion, hints and red lines while typing. */
import { z } from 'zod';
import { system } from './schema/system.ts';

export type JsonSchema = z.core.JSONSchema.BaseSchema;

/** What may be written in a file (so fields with a default are optional). Draft 7: what YAML language servers know best. */
export function systemJsonSchema(): JsonSchema {
  const schema = z.toJSONSchema(system, { io: 'input', target: 'draft-7' });
  return { ...schema, title: 'Inventory of one operated system' };
}
