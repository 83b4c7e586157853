/** The files generated from the schema of the inventory, as they should be. */
import { readFile } from 'node:fs/promises';
import { format, resolveConfig } from 'prettier';
import { systemJsonSchema } from '../../src/inventory/json-schema.ts';
import { reference } from './reference.ts';

const root = new URL('../../', import.meta.url);

/** By path from the root of the project: the text each should have, formatted as everything else is. */
export async function generated(): Promise<Map<string, string>> {
  const schema = systemJsonSchema();
  const introduction = await readFile(new URL('introduction.md', import.meta.url), 'utf8');
  const files = [
    ['systems/schema.json', JSON.stringify(schema)],
    ['docs/inventory.md', `${introduction}\n${reference(schema)}\n`],
  ] as const;
  const formatted = files.map(async ([path, text]): Promise<[string, string]> => {
    const filepath = new URL(path, root).pathname;
    return [path, await format(text, { ...(await resolveConfig(filepath)), filepath })];
  });
  return new Map(await Promise.all(formatted));
}
