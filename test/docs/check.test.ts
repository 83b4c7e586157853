/** The checks of the documentation find what they are to find; and the documentation passes them. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { blocksOf, proseOf } from '../../tools/docs/blocks.ts';
import { commandsIn, mistakeIn, theCommand } from '../../tools/docs/commands.ts';
import { brokenLinks } from '../../tools/docs/links.ts';
import { agrees, pathWithCommand, problemOf } from '../../tools/docs/run-blocks.ts';

const root = path.resolve(import.meta.dirname, '../..');
const program = await theCommand();
const pages = [
  'README.md',
  ...(await readdir(path.join(root, 'docs'), { recursive: true }))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];
const mistakes = (markdown: string) =>
  commandsIn('page.md', markdown, blocksOf('page.md', markdown)).map(({ words }) =>
    mistakeIn(program, words),
  );

test.each(pages)('%s: links lead somewhere, and its commands exist', async (file) => {
  const markdown = await readFile(path.join(root, file), 'utf8');
  expect(await brokenLinks(file, markdown)).toEqual([]);
  expect(mistakes(markdown).filter((mistake) => mistake !== undefined)).toEqual([]);
});

describe('a command', () => {
  test.each([
    ['runbook list', undefined],
    ['runbook run full-backup --system demo --kind daily', undefined],
    ['npx runbook status', undefined],
    ['runbook skip --system demo --reason "done by hand"   # why', undefined],
    ['runbook schedules apply --dry-run', undefined],
    ['runbook lst', 'there is no `runbook lst`'],
    ['runbook run full-bakcup --system demo', 'there is no `runbook full-bakcup`'],
    ['runbook run full-backup --sytem demo', '`runbook full-backup` has no --sytem'],
    ['runbook run full-backup --only api', '`runbook full-backup` has no --only'],
    ['runbook schedules aply', 'there is no `runbook aply`'],
    ['runbook retry --reason no', '`runbook retry` has no --reason'],
  ])('%s', (command, mistake) => {
    expect(mistakes(`\`\`\`sh\n${command}\n\`\`\``)).toEqual([mistake]);
    expect(mistakes(`Type \`${command.split('   #')[0] ?? ''}\`.`)).toEqual([mistake]);
  });

  test('in output or in another language is not one', () => {
    expect(mistakes('```console\n$ true\nrunbook nothing\n```\n```text\nrunbook nothing\n```')).toEqual([]);
  });
});

describe('links and names', () => {
  test.each([
    ['[x](docs/guide.md)', undefined],
    ['[x](docs/guide.md#8-when-a-worker-dies)', undefined],
    ['# Here\n\n[x](#here)', undefined],
    ['`src/worker.ts` and `docs/`', undefined],
    ['[x](docs/guide.md#nowhere)', 'names a heading that is not there'],
    ['[x](docs/nowhere.md)', 'leads nowhere'],
    ['[x](../elsewhere.md)', 'leads out of the project'],
    ['see `src/nothing.ts`', 'there is no src/nothing.ts'],
  ])('%s', async (markdown, problem) => {
    const found = await brokenLinks('README.md', markdown);
    if (problem === undefined) expect(found).toEqual([]);
    else expect(found).toEqual([expect.stringContaining(problem)]);
  });

  test('in code blocks are left alone', async () => {
    expect(await brokenLinks('README.md', '```text\n[x](nowhere.md)\n```')).toEqual([]);
    expect(proseOf('a\n```\nb\n```\nc')).toBe('a\n\n\n\nc');
  });
});

describe('blocks', () => {
  const block = (language: string, text: string) => ({
    file: 'x.md',
    line: 2,
    language,
    words: ['check'],
    text,
  });
  const run = async (language: string, text: string) =>
    await problemOf(block(language, text), { PATH: await pathWithCommand(), NO_COLOR: '1' });

  test('that fail, or print something else, are problems', async () => {
    expect(await run('sh', 'true')).toBeUndefined();
    expect(await run('sh', 'false\ntrue')).toContain('exit 1');
    expect(await run('sh', 'false | true')).toContain('exit 1');
    expect(await run('console', '$ echo a; echo b\na\n...\n')).toBeUndefined();
    expect(await run('console', '$ echo a\nb')).toContain('and not:\nb');
    expect(await run('console', '$ runbook validate systems/demo.yaml\nValid: demo')).toBeUndefined();
  });

  test('are read with their words, and need an end', () => {
    expect(blocksOf('x.md', 'a\n```sh check temporal\none\ntwo\n```\n')).toEqual([
      { file: 'x.md', line: 3, language: 'sh', words: ['check', 'temporal'], text: 'one\ntwo' },
    ]);
    expect(() => blocksOf('x.md', '```sh\nnever ends')).toThrow('x.md:2');
  });

  test('a line of three dots stands for any lines, also for none', () => {
    expect(agrees('a\nb\nc\n', 'a\n...\nc')).toBe(true);
    expect(agrees('a\nc\n', 'a\n...\nc')).toBe(true);
    expect(agrees('a\nb\n', 'a\n...\nc')).toBe(false);
    expect(agrees('a.c\n', 'abc')).toBe(false);
    expect(agrees('abc\n', 'a.c')).toBe(false);
  });
});
