import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { formatProblem, parseSystem } from '../../src/inventory/index.ts';
import { systemJsonSchema } from '../../src/inventory/json-schema.ts';
import { system as schema } from '../../src/inventory/schema/system.ts';
import { generated } from '../../tools/inventory/generate.ts';
import { schemaLeaves } from './schema-leaves.ts';

const root = new URL('../../', import.meta.url);
const files = await generated();

test.each([...files])('%s is what `node tools/generate-schema.ts` writes', async (path, text) => {
  expect(await readFile(new URL(path, root), 'utf8')).toBe(text);
});

test('the example of the reference is a good inventory, without warnings', () => {
  const example = /```yaml\n([^]*?)```/.exec(files.get('docs/inventory.md') ?? '')?.[1] ?? '';
  const { system, problems, warnings } = parseSystem(example, 'systems/shop.yaml');
  expect([...problems, ...warnings].map(formatProblem)).toEqual([]);
  expect(system?.name).toBe('shop');
});

test('the mistake the reference shows is told in these very words, at this very place', () => {
  const text = files.get('docs/inventory.md') ?? '';
  const example = /```yaml\n([^]*?)```/.exec(text)?.[1] ?? '';
  const shown = /```text\n([^]*?)```/.exec(text)?.[1]?.trimEnd();
  const broken = example.replace("healthz' }", "healthz', status: ok }");
  expect(parseSystem(broken, 'systems/shop.yaml').problems.map(formatProblem)).toEqual([shown]);
});

test('the reference has a row for every field', () => {
  const text = files.get('docs/inventory.md') ?? '';
  const names = new Set(
    schemaLeaves(schema).flatMap(({ path }) => path.split('.').filter((part) => /^[$a-z]/i.test(part))),
  );
  expect(names.size).toBeGreaterThan(60);
  for (const name of names)
    expect(text).toMatch(new RegExp(`^\\| \`${name.replace('$', '\\$')}\` +\\|`, 'm'));
});

test('editors are given what may be written, not what it becomes: defaults are optional, unknown fields are not allowed', () => {
  const json = systemJsonSchema();
  expect(json.$schema).toBe('http://json-schema.org/draft-07/schema#');
  expect(json.required).toEqual(['name', 'title', 'stateDirectory', 'services']);
  expect(json.additionalProperties).toBe(false);
  expect(Object.keys(parse(JSON.stringify(json.properties)) as object)).toContain('$schema');
});
