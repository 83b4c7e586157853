/** What only a directory can do wrong. */
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { openStorage } from '../../src/activities/storage/index.ts';
import { run as execute } from '../../tools/lib/run.ts';
import { temporaryDirectory } from '../support/servers.ts';
import { chunked, everything, ground, keysUnder, never } from './support.ts';

test('objects and directories are for their owner alone', async () => {
  const { storage, fileOf } = await ground('filesystem');
  await storage.write('demo/a/data', chunked(Buffer.from('x')), { signal: never });
  expect((await stat(fileOf('demo/a/data'))).mode & 0o777).toBe(0o600);
  expect((await stat(fileOf('demo/a'))).mode & 0o777).toBe(0o700);
});

test('a link that leads out is followed neither to read nor to write nor to remove', async () => {
  const { storage, fileOf } = await ground('filesystem');
  const outside = await temporaryDirectory();
  await writeFile(path.join(outside, 'secret'), 'not for backups');
  await symlink(outside, fileOf('demo'));
  await symlink(path.join(outside, 'secret'), fileOf('link'));
  const refused = { type: 'StorageFailed' };
  await expect(storage.read('demo/secret', { signal: never })).rejects.toMatchObject(refused);
  await expect(storage.read('link', { signal: never })).rejects.toMatchObject(refused);
  await expect(storage.write('demo/new', chunked(Buffer.from('x')), { signal: never })).rejects.toMatchObject(
    refused,
  );
  await expect(storage.write('link', chunked(Buffer.from('x')), { signal: never })).rejects.toMatchObject(
    refused,
  );
  await expect(storage.remove('demo/secret')).rejects.toMatchObject(refused);
  await expect(storage.stat('link')).rejects.toMatchObject(refused);
  expect(await keysUnder(storage, '')).toEqual([]);
  expect(await readdir(outside)).toEqual(['secret']);
  expect(await readFile(path.join(outside, 'secret'), 'utf8')).toBe('not for backups');
});

test('a full disk is NoSpace, says how far it came, and leaves no unfinished file', async (context) => {
  const directory = await temporaryDirectory();
  const mounted = await execute('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', directory]).then(
    () => true,
    () => false,
  );
  context.skip(!mounted, 'mounting a small tmpfs needs root');
  try {
    const storage = await openStorage({ type: 'filesystem', directory: path.join(directory, 'backups') });
    await storage.write('demo/first', chunked(randomBytes(1_000_000)), { signal: never });
    const writing = storage.write('demo/second', chunked(randomBytes(8_000_000)), { signal: never });
    const failed = {
      type: 'NoSpace',
      nonRetryable: false,
      message: expect.stringContaining('demo/second') as string,
    };
    await expect(writing).rejects.toMatchObject(failed);
    const error = (await writing.catch((reason: unknown) => reason)) as { details: [{ bytes: number }] };
    expect(error.details[0].bytes).toBeGreaterThan(1_000_000);
    expect(error.details[0].bytes).toBeLessThan(4_194_304);
    expect(await readdir(path.join(directory, 'backups', 'demo'))).toEqual(['first']);
    await storage.remove('demo/first');
    await storage.write('demo/third', chunked(randomBytes(3_000_000)), { signal: never });
  } finally {
    await execute('umount', [directory]);
  }
});

test('unfinished files of others stay for an hour, of dead processes not a moment', async () => {
  const { storage, fileOf } = await ground('filesystem');
  const foreign = '.000000000000-1-0011223344556677.partial';
  await mkdir(fileOf('demo'));
  await writeFile(fileOf(`demo/${foreign}`), 'x');
  expect(await storage.abandonUploads('demo/')).toBe(0);
  const longAgo = new Date(Date.now() - 61 * 60_000);
  await utimes(fileOf(`demo/${foreign}`), longAgo, longAgo);
  let whileWriting = -1;
  const commit = async () => {
    whileWriting = await storage.abandonUploads('demo/');
  };
  await storage.write('demo/data', chunked(Buffer.from('mine')), { signal: never, commit });
  expect(whileWriting).toBe(1);
  expect((await everything(await storage.read('demo/data', { signal: never }))).toString()).toBe('mine');
  expect(await readdir(fileOf('demo'))).toEqual(['data']);
});

test('removing the last object removes the directories it made, but never the destination', async () => {
  const { storage, fileOf, destination } = await ground('filesystem');
  await storage.write('demo/a/b/data', chunked(Buffer.from('x')), { signal: never });
  await storage.write('demo/other', chunked(Buffer.from('x')), { signal: never });
  await storage.remove('demo/a/b/data');
  expect(await readdir(fileOf('demo'))).toEqual(['other']);
  await storage.remove('demo/other');
  expect(destination.type === 'filesystem' && (await readdir(destination.directory))).toEqual([]);
});

test('a destination that cannot be made is a matter of configuration', async () => {
  const directory = await temporaryDirectory();
  await writeFile(path.join(directory, 'file'), 'x');
  await chmod(directory, 0o700);
  const opening = openStorage({ type: 'filesystem', directory: path.join(directory, 'file', 'backups') });
  await expect(opening).rejects.toMatchObject({ type: 'ConfigurationError' });
});
