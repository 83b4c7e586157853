/** Input from a command line: made from the real runbooks' schemas, refused in one message. */
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { checkInput, gatherInput, inputFlags } from '../../src/client/inputs.ts';
import { matchIds, newRunId } from '../../src/client/identifiers.ts';
import { loadRunbooks, type Runbook } from '../../src/client/runbooks.ts';
import { distance, nearest } from '../../src/client/suggest.ts';

const runbook: Runbook = {
  name: 'sample',
  workflowType: 'sample',
  title: 'Sample',
  summary: '',
  covers: [],
  mutates: true,
  exclusive: true,
  examples: [],
  input: z.strictObject({
    system: z.string(),
    requestedBy: z.string().optional(),
    dryRun: z.boolean().default(false),
    reason: z.string().min(1).describe('Why.'),
    keepLast: z.number().int().default(7),
    backup: z.boolean().default(true),
    id: z.string().optional(),
    noWait: z.boolean().default(false),
    stores: z.array(z.string()).default([]),
    kind: z.enum(['daily', 'weekly']).optional(),
    extra: z.object({ a: z.number() }).optional(),
  }),
};
const gather = (flags: Record<string, unknown>, assignments: string[] = [], json?: string) =>
  gatherInput(runbook, { flags, assignments, json });

test('one flag for each field; fields that the command itself uses keep a name of their own', () => {
  expect(
    Object.fromEntries(inputFlags(runbook.input).map(({ field, flag, kind }) => [field, `${flag} ${kind}`])),
  ).toEqual({
    reason: '--reason string',
    keepLast: '--keep-last number',
    backup: '--backup boolean',
    id: '--input-id string',
    noWait: '--input-no-wait boolean',
    stores: '--stores list',
    kind: '--kind string',
    extra: '--extra json',
  });
});

test('flags win over --input, which wins over --json-input', () => {
  expect(
    gather({ keepLast: '3' }, ['keepLast=2', 'backup=false', 'reason=a=b'], '{"keepLast":1,"kind":"daily"}'),
  ).toEqual({
    keepLast: 3,
    backup: false,
    reason: 'a=b',
    kind: 'daily',
  });
  expect(gather({ stores: ['a', 'b'], extra: '{"a":1}' })).toEqual({ stores: ['a', 'b'], extra: { a: 1 } });
});

describe('refused, in one message', () => {
  const wrong: [what: string, input: () => Record<string, unknown>, message: RegExp][] = [
    ['a NUL', () => gather({}, [], '{"reason":"a\\u0000b"}'), /reason contains a NUL/],
    ['a line break', () => gather({ reason: 'a\nb' }), /reason contains a line break/],
    [
      'a megabyte',
      () => gather({ reason: 'x'.repeat(1_000_000) }),
      /reason is 1000000 characters long; at most 16384/,
    ],
    ['an option as a value', () => gather({ reason: '-h' }), /--reason got "-h", which reads as an option/],
    [
      'a word for a number',
      () => gather({ keepLast: 'seven', reason: 'x' }),
      /--keep-last: "seven" is not a number/,
    ],
    ['a word for a boolean', () => gather({ reason: 'x' }, ['backup=maybe']), /neither true nor false/],
    ['no equals sign', () => gather({ reason: 'x' }, ['backup']), /is not field=value/],
    ['no JSON', () => gather({ reason: 'x' }, [], '{'), /--json-input is not JSON/],
    ['a JSON list', () => gather({ reason: 'x' }, [], '[1]'), /must be an object/],
    ['an unknown field', () => gather({ reason: 'x' }, ['keeplast=1']), /no input "keeplast"/],
    ['a missing field', () => gather({}), /reason: /],
    ['a wrong choice', () => gather({ reason: 'x', kind: 'hourly' }), /kind: .*daily/],
  ];
  test.each(wrong)('%s', (_, input, message) => {
    expect(() => checkInput(runbook, { system: 'shop', ...input() })).toThrow(message);
  });

  test('with the nearest field there is', () => {
    const error = (() => {
      try {
        return checkInput(runbook, { system: 'shop', reason: 'x', keeplast: 1 });
      } catch (caught) {
        return caught as { hint?: string; exitCode?: number };
      }
    })();
    expect(error).toMatchObject({ hint: 'Did you mean keepLast?', exitCode: 2 });
  });
});

test('a text that begins with a hyphen can be given, by --input', () => {
  expect(() => checkInput(runbook, { system: 'shop', ...gather({}, ['reason=-h']) })).not.toThrow();
});

test('every real runbook makes flags that do not clash, and accepts its own examples', async () => {
  for (const one of await loadRunbooks()) {
    const flags = inputFlags(one.input).map(({ flag }) => flag);
    expect(new Set(flags).size).toBe(flags.length);
    expect(one.examples.length).toBeGreaterThan(0);
  }
});

test('ids sort by time, and may be abbreviated while that is unique', () => {
  const at = (seconds: number) => newRunId('full-backup', 'shop', Date.UTC(2026, 0, 1) + seconds * 1000);
  const ids = [1, 2, 40, 2000, 90_000].map(at);
  expect([...ids].sort()).toEqual(ids);
  expect(ids[0]).toMatch(/^full-backup\/shop\/[0-9a-z]{10}$/);
  expect(new Set(Array.from({ length: 50 }, () => at(1))).size).toBeGreaterThan(45);
  expect(matchIds('full-backup/shop/abc', ['full-backup/shop/abc', 'full-backup/shop/abcd'])).toEqual([
    'full-backup/shop/abc',
  ]);
  expect(matchIds('abc', ['full-backup/shop/abc1', 'full-backup/shop/abd'])).toEqual([
    'full-backup/shop/abc1',
  ]);
});

test('did you mean', () => {
  expect(distance('kitten', 'sitting')).toBe(3);
  expect(nearest('full-bakup', ['check-health', 'full-backup'])).toBe('full-backup');
  expect(nearest('something-else', ['check-health', 'full-backup'])).toBeUndefined();
});
