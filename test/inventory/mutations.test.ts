/** Whatever a file has become, it is either usable or explained: reading one never throws, and no secret is repeated. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { formatProblem, parseSystem } from '../../src/inventory/index.ts';
import { isSecret } from '../../src/inventory/explain/schema.ts';
import { pathSlots } from '../../src/inventory/paths.ts';
import { system as schema } from '../../src/inventory/schema/system.ts';
import { schemaLeaves } from './schema-leaves.ts';

const full = readFileSync(new URL('fixtures/full.yaml', import.meta.url), 'utf8');

function expectUsableOrExplained(text: string): void {
  const { system, problems } = parseSystem(text, 'full.yaml');
  expect(system === undefined).toBe(problems.length > 0);
  const lines = text.split('\n').length;
  for (const problem of problems) {
    expect(problem.line).toBeGreaterThanOrEqual(1);
    expect(problem.line).toBeLessThanOrEqual(lines);
    expect(problem.column).toBeGreaterThanOrEqual(1);
    expect(problem.column).toBeLessThanOrEqual((text.split('\n')[problem.line - 1]?.length ?? 0) + 1);
    expect(problem.found).not.toBe('');
    expect(problem.expected).not.toBe('');
    expect(formatProblem(problem).split('\n').length).toBeLessThanOrEqual(3);
  }
  expect(new Set(problems.map(formatProblem)).size).toBe(problems.length);
  if (system) expect(JSON.parse(JSON.stringify(system))).toEqual(system);
}

test('any cut, doubling or scribble in the text', () => {
  const scribble = fc.oneof(
    fc.constantFrom(
      '\t',
      ':',
      ': ',
      '- ',
      '{',
      '}',
      '[',
      ']',
      '"',
      "'",
      '&a ',
      '*a',
      '!x ',
      '#',
      '|',
      '\n',
      '\u0000',
      '\r',
      '---\n',
      '? ',
      '%',
      '<<: ',
      '\ufeff',
      '\ud800',
    ),
    fc.string({ maxLength: 8, unit: 'binary' }),
  );
  const edit = fc.record({
    at: fc.nat(full.length),
    remove: fc.oneof(fc.nat(3), fc.nat(200)),
    insert: scribble,
  });
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
      let text = full;
      for (const { at, remove, insert } of edits) text = text.slice(0, at) + insert + text.slice(at + remove);
      expectUsableOrExplained(text);
    }),
    { numRuns: 1000 },
  );
});

type Tree = Record<string | number, unknown>;

/** Every place in the data, as a path. */
function places(value: unknown, path: (string | number)[] = []): (string | number)[][] {
  if (typeof value !== 'object' || value === null) return [path];
  const keys = Array.isArray(value) ? value.map((_, index) => index) : Object.keys(value);
  return [path, ...keys.flatMap((key) => places((value as Tree)[key], [...path, key]))];
}

function replaced(
  data: unknown,
  path: readonly (string | number)[],
  by: (container: Tree, key: string | number) => void,
): unknown {
  const copy: unknown = structuredClone(data);
  let container = copy as Tree;
  for (const part of path.slice(0, -1)) container = container[part] as Tree;
  const last = path.at(-1);
  if (last !== undefined) by(container, last);
  return copy;
}

test('any value replaced by any other, any field renamed or left out', () => {
  const data: unknown = parse(full);
  const all = places(data).filter((path) => path.length > 0);
  const change = fc.oneof(
    fc
      .jsonValue({ maxDepth: 2 })
      .map((value) => (container: Tree, key: string | number) => void (container[key] = value)),
    fc.constant((container: Tree, key: string | number) => void delete container[key]),
    fc.string({ minLength: 1, maxLength: 20 }).map((name) => (container: Tree, key: string | number) => {
      container[name] = container[key];
      delete container[key];
    }),
  );
  fc.assert(
    fc.property(fc.constantFrom(...all), change, (path, by) => {
      expectUsableOrExplained(stringify(replaced(data, path, by)));
    }),
    { numRuns: 1000 },
  );
});

test('a secret written out, in any field for a reference, is refused and not repeated', () => {
  const data: unknown = parse(full);
  const { system } = parseSystem(full, 'full.yaml');
  if (!system) throw new Error('the fixture is broken');
  const slots = pathSlots(system).filter(({ kind }) => kind === 'secret');
  expect(slots.length).toBe(schemaLeaves(schema).filter(({ leaf }) => isSecret(leaf)).length);
  const literal = fc.oneof(
    fc.stringMatching(/^[A-Za-z0-9!$%*+._-]{6,40}$/),
    fc.integer({ min: 100_000 }),
    fc.stringMatching(/^[a-z0-9]{6,20}$/).map((word) => `https://hooks.example/${word}`),
  );
  fc.assert(
    fc.property(fc.constantFrom(...slots), literal, (slot, secret) => {
      fc.pre(!full.includes(String(secret)));
      const text = stringify(replaced(data, slot.path, (container, key) => void (container[key] = secret)));
      const { system, problems } = parseSystem(text, 'full.yaml');
      expect(system).toBeUndefined();
      expect(problems).toHaveLength(1);
      const said = problems.map(formatProblem).join('\n');
      expect(said).not.toContain(String(secret));
      expect(said).toContain(`"…" (a literal; ${String(secret).length} characters)`);
    }),
    { numRuns: 500 },
  );
});

test('a syntax error beside a secret does not repeat it', () => {
  const marked = full.replace('password: env:CACHE_PASSWORD', 'password: hunter2hunter2');
  const from = marked.indexOf('hunter2hunter2');
  fc.assert(
    fc.property(
      fc.integer({ min: -12, max: 20 }),
      fc.constantFrom('\t', '"', "'", '{', ']', '@', '`', ': ', '\n', '!', '*', '%'),
      (shift, scribble) => {
        const text = marked.slice(0, from + shift) + scribble + marked.slice(from + shift);
        const said = parseSystem(text, 'full.yaml').problems.map(formatProblem).join('\n');
        expect(said).not.toContain('hunter2');
      },
    ),
    { numRuns: 300 },
  );
});
