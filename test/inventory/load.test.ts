import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { formatProblem, loadInventory, loadSystemFile } from '../../src/inventory/index.ts';

const small = readFileSync(new URL('fixtures/small.yaml', import.meta.url), 'utf8');
const named = (name: string): string => small.replace('name: small', `name: ${name}`);
let directory = '';

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'inventory-'));
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

const write = (name: string, text: string | Buffer) => writeFile(join(directory, name), text);

test('every inventory of a directory, by name; a broken one does not hide the others', async () => {
  await write('b.yaml', named('b'));
  await write('a.yml', named('a'));
  await write('broken.yaml', named('broken').replace('title: Small', 'titel: Small'));
  await write('.hidden.yaml', 'no');
  await write('schema.json', '{}');
  const { systems, problems } = await loadInventory(directory);
  expect([...systems.keys()]).toEqual(['a', 'b']);
  expect(systems.get('a')?.stateDirectory).toBe(join(directory, 'state'));
  expect(problems.map(({ file, path }) => [file, path])).toEqual([[join(directory, 'broken.yaml'), 'titel']]);
});

test('one system in two files is used from neither', async () => {
  await write('a.yaml', named('a'));
  await write('a.yml', named('a'));
  await write('b.yml', named('b'));
  const { systems, problems } = await loadInventory(directory);
  expect([...systems.keys()]).toEqual(['b']);
  expect(problems.map(formatProblem)).toEqual([
    `${join(directory, 'a.yml')}:1:1  name\n` +
      `  found: the system a, which ${join(directory, 'a.yaml')} is too   expected: one file for one system\n` +
      '  hint: Remove one of the two files; until then neither is used.',
  ]);
});

test('a directory that is not there, or none, is a problem and not an empty inventory', async () => {
  await write('file', '');
  for (const [path, found] of [
    [join(directory, 'missing'), 'nothing of this name'],
    [join(directory, 'file'), 'something that is not a directory'],
  ] as const) {
    const { systems, problems } = await loadInventory(path);
    expect(systems.size).toBe(0);
    expect(problems).toEqual([expect.objectContaining({ file: path, found })]);
  }
});

test('bytes that are not UTF-8 are shown where they are', async () => {
  const bytes = Buffer.from(named('latin').replace('title: Small', 'title: Größe'), 'latin1');
  await write('latin.yaml', bytes);
  const { problems } = await loadSystemFile(join(directory, 'latin.yaml'));
  expect(problems).toEqual([
    expect.objectContaining({ line: 2, column: 10, found: 'bytes that are not UTF-8', expected: 'UTF-8' }),
  ]);
});

test('a byte order mark and Windows line ends are read', async () => {
  await write('mark.yaml', `\ufeff${named('mark').replaceAll('\n', '\r\n')}`);
  const { system, problems } = await loadSystemFile(join(directory, 'mark.yaml'));
  expect(problems).toEqual([]);
  expect(system?.services['api']?.dependsOn).toEqual(['db']);
});

test('a file too large is not read; a pipe or directory is not waited for', async () => {
  await write('large.yaml', Buffer.alloc(3 * 1024 * 1024, '#'));
  await mkdir(join(directory, 'folder.yaml'));
  await promisify(execFile)('mkfifo', [join(directory, 'pipe.yaml')]);
  await symlink('nowhere', join(directory, 'link.yaml'));
  const { systems, problems } = await loadInventory(directory);
  expect(systems.size).toBe(0);
  expect(problems.map(({ file, found }) => [file.slice(directory.length + 1), found])).toEqual([
    ['folder.yaml', 'something other than a file'],
    ['large.yaml', 'a file of 3145728 bytes'],
    ['link.yaml', 'nothing of this name'],
    ['pipe.yaml', 'something other than a file'],
  ]);
});
