import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { formatProblem, parseSystem } from '../../src/inventory/index.ts';
import { secrets } from './cases/secrets.ts';
import { semantics } from './cases/semantics.ts';
import { shape } from './cases/shape.ts';
import { yaml } from './cases/yaml.ts';

const small = readFileSync(new URL('fixtures/small.yaml', import.meta.url), 'utf8');
const file = 'systems/small.yaml';
const lines = (text: string): string[] =>
  parseSystem(text, file).problems.flatMap((problem) => formatProblem(problem).split('\n'));

test('the inventory every case starts from is good', () => {
  const { system, problems, warnings } = parseSystem(small, file);
  expect(problems).toEqual([]);
  expect(warnings).toEqual([]);
  expect(system?.name).toBe('small');
});

for (const [group, cases] of Object.entries({ yaml, shape, secrets, semantics })) {
  describe(group, () => {
    test.each(cases)('$title', ({ replace, by, says }) => {
      expect(small.split(replace)).toHaveLength(2);
      expect(says.length).toBeGreaterThan(0);
      expect(lines(small.replace(replace, () => by))).toEqual(says);
    });
  });
}

test('no case about secrets says one', () => {
  for (const { by, says } of secrets) {
    for (const secret of ['hunter2', '314159', '271828', 'HUNTER2']) {
      if (by.includes(secret)) expect(says.join('\n')).not.toContain(secret);
    }
  }
});

describe('files that are no mapping', () => {
  test.each([
    ['', 'an empty file'],
    ['# only a remark\n', 'an empty file'],
    ['---\n...\n', 'an empty file'],
    ['- a\n- b\n', 'a list'],
    ['just text\n', 'a single value'],
  ])('%j', (text, found) => {
    const { system, problems } = parseSystem(text, file);
    expect(system).toBeUndefined();
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({ line: 1, column: 1, path: '', found });
  });
});

describe('files made to exhaust a reader', () => {
  const laughs = ['a: &a [x, x, x, x, x, x, x, x, x, x]'];
  for (const [before, after] of ['ab', 'bc', 'cd', 'de', 'ef', 'fg', 'gh', 'hi'].map((pair) => [...pair])) {
    laughs.push(`${after}: &${after} [${Array(10).fill(`*${before}`).join(', ')}]`);
  }
  test.each([
    ['aliases of aliases', laughs.join('\n'), 'aliases (*name) that expand to more than 100 values'],
    ['many aliases', `a: &a x\nb: [${'*a, '.repeat(20_000)}]`, 'more than 100 aliases (*name)'],
    ['deep nesting', '['.repeat(100_000), 'lists and mappings nested too deeply'],
    ['a large file', `# ${'x'.repeat(1024 * 1024)}`, 'a file of 1048578 bytes'],
  ])('%s', (_title, text, found) => {
    const { system, problems } = parseSystem(text, file);
    expect(system).toBeUndefined();
    expect(problems.map((problem) => problem.found)).toEqual([found]);
  });
});

describe('warnings', () => {
  test.each([
    ['unsigned backups', '  signing: { trustedKeys: [key.pem] }\n', '', 'backup.signing', 16],
    ['no objectives', 'objectives: { 1: { rto: 1h, rpo: 1d } }\n', '', 'objectives', 1],
    ['both kinds of day', "'0 2 * * *'", "'0 2 1 * mon'", 'schedules.nightly.cron', 25],
    [
      'approval by silence',
      '  notices: [ops]\n',
      '  notices: [ops]\n  approvals: { full-restore: { onTimeout: approve } }\n',
      'people.approvals.full-restore.onTimeout',
      23,
    ],
    [
      'the same question twice',
      'stores:\n',
      "  web:\n    platform: { type: process, command: [web], logFile: web.log }\n    health: { http: { url: 'http://127.0.0.1:1/' } }\nstores:\n",
      'services.web.health',
      16,
    ],
  ])('%s', (_title, from, to, path, line) => {
    const { system, problems, warnings } = parseSystem(small.replace(from, to), file);
    expect(problems).toEqual([]);
    expect(system).toBeDefined();
    expect(warnings).toEqual([expect.objectContaining({ path, line })]);
  });
});

test('a service is not found in the prototype of an object', () => {
  expect(lines(small.replace('dependsOn: [db]', 'dependsOn: [constructor]'))[1]).toContain('"constructor"');
});

test('an alias is followed to what it stands for, and a mistake is shown where it was written', () => {
  const text = small
    .replace("{ http: { url: 'http://127.0.0.1:1/' } }", '*check')
    .replace('health: { postgres: main }', 'health: &check { postgres: mian }');
  const { problems } = parseSystem(text, file);
  expect(problems.map(({ line, path }) => [line, path])).toEqual([
    [9, 'services.api.health.postgres'],
    [9, 'services.db.health.postgres'],
  ]);
});
