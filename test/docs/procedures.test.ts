import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { coverage } from '../../tools/procedures/coverage.ts';
import { procedures } from '../../tools/procedures/list.ts';
import { freshReports, resultOf } from '../../tools/procedures/results.ts';
import { idsOf, taggedTests, taggedTitles, usesRealParts } from '../../tools/procedures/tags.ts';

const execute = promisify(execFile);
const root = path.resolve(import.meta.dirname, '../..');

test('the list has every id once, without gaps', async () => {
  const ids = (await procedures()).map(({ id }) => id);
  const wanted = { J: 15, A: 9, R: 6, I: 16, G: 10 };
  expect(ids).toEqual(
    Object.entries(wanted).flatMap(([letter, count]) =>
      Array.from({ length: count }, (_, index) => `${letter}${index + 1}`),
    ),
  );
});

describe('a title', () => {
  test('ends with the ids it shows', () => {
    expect(idsOf('a damaged page is cured [J9]')).toEqual(['J9']);
    expect(idsOf('backup and restore [J13 J14]')).toEqual(['J13', 'J14']);
    expect(idsOf('backup and restore [J13, J14]')).toEqual(['J13', 'J14']);
    expect(idsOf('[J9] is in front')).toEqual([]);
    expect(idsOf('an array [1]')).toEqual([]);
    expect(idsOf('damaged[J9]')).toEqual([]);
  });

  test('is found in a file however it is quoted', () => {
    const text = [
      `test('one [J1]', async () => {`,
      `it.each(cases)("it's two [J2 J3]", () => {`,
      'it(\n  `three [J4]`,\n  () => {',
      `// not [J5]`,
      `expect(text).toBe('four [J6]');`,
      `test('five\\'s [J7]', () => {`,
    ].join('\n');
    expect(taggedTitles(text)).toEqual(['one [J1]', "it's two [J2 J3]", 'three [J4]', "five's [J7]"]);
  });
});

test('only tests on real parts count, and whatever they or runbooks name exists', async () => {
  expect(usesRealParts('test/e2e/x.test.ts')).toBe(true);
  expect(usesRealParts('test/workflows/x.test.ts')).toBe(false);
  const all = await coverage();
  for (const { id, state, runsOn, tests, runbooks } of all) {
    expect(tests.every(({ file }) => usesRealParts(file))).toBe(true);
    expect(state === 'carried', id).toBe(tests.length > 0);
    if (state === 'carried') expect(runbooks, `${id} has a test and no runbook`).not.toEqual([]);
    // Not before the systems' own inventories are here.
    expect(runsOn.filter((name) => name !== 'demo')).toEqual([]);
  }
  const tagged = await taggedTests();
  expect(all.flatMap(({ tests }) => tests).length).toBe(
    tagged.filter(({ file }) => usesRealParts(file)).flatMap(({ ids }) => ids).length,
  );
});

describe('a result', () => {
  const file = 'test/docs/procedures.test.ts';
  const report = (status: string, ...tests: [string, string][]) => ({
    name: path.join(root, file),
    status,
    endTime: 5,
    assertionResults: tests.map(([fullName, outcome]) => ({ fullName, status: outcome })),
  });
  const of = (status: string, ...tests: [string, string][]) =>
    resultOf('J9', [file], new Map([[file, report(status, ...tests)]]));

  test('is a pass only when every test of the id passed', () => {
    expect(of('passed', ['a [J9]', 'passed'], ['b [J1]', 'failed'])).toBe('passed');
    expect(of('failed', ['a [J9]', 'passed'], ['b [J9 J1]', 'failed'])).toBe('failed');
    expect(of('passed', ['a [J9]', 'passed'], ['b [J9]', 'skipped'])).toBe('not run');
    expect(of('passed', ['a', 'passed'])).toBe('not run');
    expect(of('failed')).toBe('failed');
    expect(resultOf('J9', [file], new Map())).toBe('not run');
    expect(resultOf('J9', [], new Map())).toBe('no test');
  });

  test('is fresh while neither the product nor the test is younger', async () => {
    const { mtimeMs } = await stat(path.join(root, file));
    const at = (endTime: number) => new Map([[file, { ...report('passed'), endTime }]]);
    expect((await freshReports(at(mtimeMs + 10), mtimeMs - 10)).size).toBe(1);
    expect((await freshReports(at(mtimeMs + 10), mtimeMs + 20)).size).toBe(0);
    expect((await freshReports(at(mtimeMs - 10), 0)).size).toBe(0);
  });
});

test('the command prints one JSON object a line', async () => {
  const { stdout } = await execute(process.execPath, ['tools/procedures.ts', '--json'], { cwd: root }).catch(
    (error: unknown) => error as { stdout: string },
  );
  const rows = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(rows).toHaveLength(56);
  expect(rows.find(({ id }) => id === 'J9')).toMatchObject({
    system: 'Jarvis',
    title: 'Damaged database',
    runbook: ['recover-database'],
  });
  for (const row of rows) expect(['passed', 'failed', 'not run', 'no test']).toContain(row['result']);
});
