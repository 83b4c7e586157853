/** Bytes on their way from storage to a file that may be used: what a worker left before, and two of them at once. */
import { mkdir, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { run as execute } from '../../tools/lib/run.ts';
import { type FetchRequest, fetchVerified } from '../../src/activities/stores/fetch.ts';
import { backup as backupSchema } from '../../src/inventory/schema/backup.ts';
import { chunked, ground, never, sha256 } from '../storage/support.ts';
import { temporaryDirectory } from '../support/servers.ts';

async function stored(bytes: Buffer): Promise<FetchRequest & { scratch: string; file: string }> {
  const there = await ground('filesystem');
  const scratch = await temporaryDirectory();
  await there.storage.write('data', chunked(bytes), { signal: never });
  return {
    storage: there.storage,
    key: 'data',
    object: {
      name: 'data',
      bytes: bytes.length,
      sha256: sha256(bytes),
      compression: 'none',
      encryption: 'none',
    },
    backup: backupSchema.parse({
      destination: there.destination,
      components: ['main'],
      scratchDirectory: scratch,
    }),
    spool: 'spool',
    plainBytes: bytes.length,
    signal: never,
    scratch,
    file: there.fileOf('data'),
  };
}

/** Timers that keep a process alive. */
function timers(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
}

test('bytes that an earlier attempt left damaged are no fault of the backup: they are fetched again', async () => {
  const bytes = randomBytes(3_000_000);
  const request = await stored(bytes);
  await mkdir(path.join(request.scratch, 'spool'), { mode: 0o700 });
  // As after a power failure: the file has its length, and holds zeros.
  await writeFile(path.join(request.scratch, 'spool', 'stored'), Buffer.alloc(1_000_000));
  await expect(fetchVerified(request)).rejects.toMatchObject({ type: 'StorageFailed', nonRetryable: false });
  const { file } = await fetchVerified(request);
  expect(sha256(await readFile(file))).toBe(request.object.sha256);
});

test('bytes that storage holds damaged are', async () => {
  const request = await stored(randomBytes(300_000));
  await writeFile(request.file, Buffer.alloc(300_000));
  await expect(fetchVerified(request)).rejects.toMatchObject({ type: 'BackupDamaged', nonRetryable: true });
});

test('what is left of an earlier attempt and cannot be read leaves no timer behind', async () => {
  const request = await stored(randomBytes(300_000));
  await mkdir(path.join(request.scratch, 'spool', 'stored'), { recursive: true, mode: 0o700 });
  const before = timers();
  for (let attempt = 0; attempt < 20; attempt += 1) await expect(fetchVerified(request)).rejects.toThrow();
  // What ends the unpackers takes a moment; a stall guard that is left would stay for two minutes.
  await expect.poll(timers, { timeout: 30_000 }).toBeLessThan(before + 10);
});

test('a disk that fills up while bytes are fetched is NoSpace, and what was fetched is used later', async (context) => {
  const bytes = randomBytes(6_000_000);
  const request = await stored(bytes);
  const mounted = await execute('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', request.scratch]).then(
    () => true,
    () => false,
  );
  context.skip(!mounted, 'mounting a small tmpfs needs root');
  try {
    // Somebody else takes the space after it was looked at.
    const storage: FetchRequest['storage'] = {
      locate: (key) => request.storage.locate(key),
      write: async (...asked) => await request.storage.write(...asked),
      stat: async (key) => await request.storage.stat(key),
      list: (prefix) => request.storage.list(prefix),
      remove: async (key) => await request.storage.remove(key),
      abandonUploads: async (prefix) => await request.storage.abandonUploads(prefix),
      read: async (...asked) => {
        await writeFile(path.join(request.scratch, 'somebody'), Buffer.alloc(10_000_000));
        return await request.storage.read(...asked);
      },
    };
    await expect(fetchVerified({ ...request, storage })).rejects.toMatchObject({
      type: 'NoSpace',
      nonRetryable: false,
      message: expect.stringContaining(request.scratch) as string,
    });
    await rm(path.join(request.scratch, 'somebody'));
    const { file } = await fetchVerified(request);
    expect(sha256(await readFile(file))).toBe(request.object.sha256);
  } finally {
    await execute('umount', [request.scratch]);
  }
});

test('what a drill left a week ago is removed by the next; what is younger, or not a drill’s, stays', async () => {
  const request = await stored(randomBytes(1000));
  const left = ['old-drill-0123abcd', 'young-drill-0123abcd', 'old-replace'];
  for (const name of left) {
    const directory = path.join(request.scratch, name);
    await mkdir(directory, { mode: 0o700 });
    await writeFile(path.join(directory, 'stored'), 'bytes');
    const at = new Date(Date.now() - (name.startsWith('old') ? 8 : 1) * 86_400_000);
    for (const file of [path.join(directory, 'stored'), directory]) await utimes(file, at, at);
  }
  await fetchVerified(request);
  expect((await readdir(request.scratch)).sort()).toEqual(['old-replace', 'spool', 'young-drill-0123abcd']);
});
