import { createHash } from 'node:crypto';
import { appendFile, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { zstdDecompress } from 'node:zlib';
import { expect, test } from 'vitest';

import { newPartial } from '../../src/activities/storage/partial.ts';
import { temporaryDirectory } from '../support/servers.ts';
import { call, inContext, planning, serviceRequest } from './support.ts';

const { archiveLogs } = inContext();
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

async function logs() {
  const directory = await temporaryDirectory();
  const web = await serviceRequest({ directory, name: 'web', command: ['true'] });
  const api = await serviceRequest({ directory, name: 'api', command: ['true'] });
  const contents = {
    'web.log': Buffer.from('x'.repeat(3_000_000) + 'end\n'),
    'web.log.1': Buffer.from('yesterday\n'),
    'api.log': Buffer.from(''),
  };
  for (const [name, bytes] of Object.entries(contents)) await writeFile(path.join(directory, name), bytes);
  await writeFile(path.join(directory, 'web.log.notes'), 'not a log of ours');
  const request = {
    system: 'shop',
    stateDirectory: web.stateDirectory,
    services: [web, api],
    destination: null,
    archive: 'run-1',
  };
  return { directory, contents, request };
}

interface Index {
  files: { service: string; path: string; object: string; size: number; bytes: number; sha256: string }[];
}

test('an archive that was killed half way leaves nothing of it beside the whole one', async () => {
  const { directory, request } = await logs();
  const destination = { type: 'filesystem' as const, directory: path.join(directory, 'store') };
  const archive = path.join(destination.directory, 'shop/logs/run-1');
  await mkdir(archive, { recursive: true });
  const { name, forget } = newPartial();
  await writeFile(path.join(archive, name), 'half of a log');
  forget();
  await archiveLogs({ ...request, destination }, call);
  const kept = await readdir(archive);
  expect(kept).toContain('index.json');
  expect(kept.filter((file) => file.endsWith('.partial'))).toEqual([]);
});

test('every log is put away whole, with its hash, and stays where it is', async () => {
  const { directory, contents, request } = await logs();
  const destination = { type: 'filesystem' as const, directory: path.join(directory, 'store') };
  const { result, performed } = await archiveLogs({ ...request, destination }, call);
  expect(performed).toBe(true);
  expect(result.files).toBe(3);
  const text = await readFile(path.join(destination.directory, 'shop/logs/run-1/index.json'));
  expect(sha256(text)).toBe(result.sha256);
  const index = JSON.parse(text.toString()) as Index;
  expect(index.files.map((file) => path.basename(file.path)).sort()).toEqual(Object.keys(contents).sort());
  for (const file of index.files) {
    const stored = await readFile(path.join(destination.directory, file.object));
    expect({ bytes: stored.length, sha256: sha256(stored) }).toEqual({
      bytes: file.bytes,
      sha256: file.sha256,
    });
    const original = contents[path.basename(file.path) as keyof typeof contents];
    expect((await promisify(zstdDecompress)(stored)).equals(original)).toBe(true);
    expect((await readFile(file.path)).equals(original)).toBe(true);
  }
});

test('again is done already; without a destination the state directory takes it; a plan writes nothing', async () => {
  const { request } = await logs();
  const plan = await archiveLogs(request, planning);
  expect(plan.performed).toBe(false);
  expect(plan.commands.join('\n')).toMatch(
    /head -c 3000004 -- \S+web\.log \| zstd .* > \S+web-web\.log\.zst/,
  );
  await expect(readdir(path.join(request.stateDirectory, 'archives', 'shop'))).rejects.toThrow('ENOENT');
  const first = await archiveLogs(request, call);
  expect(first.result.location).toContain(request.stateDirectory);
  expect(await archiveLogs(request, call)).toEqual({ result: first.result, performed: false, commands: [] });
});

test('an attempt that died before its index is begun again', async () => {
  const { request } = await logs();
  await archiveLogs(request, call);
  const place = path.join(request.stateDirectory, 'archives/shop/logs/run-1');
  await rm(path.join(place, 'index.json'));
  await appendFile(path.join(path.dirname(request.stateDirectory), 'web.log'), 'a line more\n');
  const again = await archiveLogs(request, call);
  expect(again.performed).toBe(true);
  const stored = await readFile(path.join(place, 'web-web.log.zst'));
  expect((await promisify(zstdDecompress)(stored)).toString()).toMatch(/end\na line more\n$/);
});

test('a log that nobody may read fails the archive and leaves no index', async () => {
  const { directory, request } = await logs();
  // A directory in the log's place: not even root can read it as a file.
  await rm(path.join(directory, 'web.log.1'));
  await mkdir(path.join(directory, 'web.log.1'));
  await expect(archiveLogs(request, call)).rejects.toThrow('web.log.1');
  await expect(
    readFile(path.join(request.stateDirectory, 'archives/shop/logs/run-1/index.json')),
  ).rejects.toThrow('ENOENT');
});
