/** What every storage promises, asked of both kinds. */
import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { truncate } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { chunked, everything, type Ground, ground, keysUnder, kinds, never, sha256 } from './support.ts';

const mebibyte = 1024 * 1024;
const part = 8 * mebibyte;

describe.each(kinds)('%s storage', (kind) => {
  test.each([0, 1, part - 1, part, part + 1, 3 * part, 5 * part + 12_345])(
    'gives back the %i bytes it was given',
    async (size) => {
      const { storage } = await ground(kind);
      const bytes = randomBytes(size);
      const written = await storage.write('demo/data', chunked(bytes), { signal: never });
      expect(written).toEqual({ bytes: size, sha256: sha256(bytes) });
      expect(sha256(await everything(await storage.read('demo/data', { signal: never })))).toBe(
        sha256(bytes),
      );
      expect(await storage.stat('demo/data')).toMatchObject({ key: 'demo/data', bytes: size });
    },
  );

  test('reads from an offset, up to the very end', async () => {
    const { storage } = await ground(kind);
    const bytes = randomBytes(300_000);
    await storage.write('data', chunked(bytes), { signal: never });
    const rest = await everything(await storage.read('data', { signal: never, offset: 123_456 }));
    expect(rest.equals(bytes.subarray(123_456))).toBe(true);
    expect(await everything(await storage.read('data', { signal: never, offset: 300_000 }))).toHaveLength(0);
    await expect(storage.read('data', { signal: never, offset: 300_001 })).rejects.toMatchObject({
      type: 'StorageFailed',
    });
  });

  test.each([100, 2 * part + 5])('keeps nothing of %i bytes when commit throws', async (size) => {
    const { storage } = await ground(kind);
    const commit = async () => {
      throw new Error('pg_dump ended with exit code 1');
    };
    const writing = storage.write('demo/dump', chunked(randomBytes(size)), { signal: never, commit });
    await expect(writing).rejects.toThrow('pg_dump ended with exit code 1');
    expect(await storage.stat('demo/dump')).toBeUndefined();
    expect(await keysUnder(storage, '')).toEqual([]);
    expect(await storage.abandonUploads('')).toBe(0);
  });

  test.each([100, 2 * part + 5])(
    'asks commit after the body of %i bytes and before the object appears',
    async (size) => {
      const { storage } = await ground(kind);
      const seen: unknown[] = [];
      const body = async function* () {
        yield* chunked(randomBytes(size));
        seen.push('body ended');
      };
      const commit = async () => {
        seen.push((await storage.stat('dump')) === undefined ? 'not there' : 'there');
      };
      await storage.write('dump', body(), { signal: never, commit });
      expect(seen).toEqual(['body ended', 'not there']);
      expect(await storage.stat('dump')).toMatchObject({ bytes: size });
    },
  );

  test.each([100, 2 * part])('keeps nothing when the body fails after %i bytes', async (size) => {
    const { storage } = await ground(kind);
    const body = async function* () {
      yield* chunked(randomBytes(size));
      throw new Error('the dump broke');
    };
    await expect(storage.write('dump', body(), { signal: never })).rejects.toThrow('the dump broke');
    expect(await keysUnder(storage, '')).toEqual([]);
    expect(await storage.abandonUploads('')).toBe(0);
  });

  test('gives up when told to, even while the body hangs', async () => {
    const { storage } = await ground(kind);
    const controller = new AbortController();
    const body = async function* () {
      yield* chunked(randomBytes(2 * part));
      controller.abort(new Error('the run was cancelled'));
      await new Promise(() => {});
    };
    await expect(storage.write('dump', body(), { signal: controller.signal })).rejects.toThrow(
      'the run was cancelled',
    );
    expect(await keysUnder(storage, '')).toEqual([]);
    expect(await storage.abandonUploads('')).toBe(0);
  });

  test('never replaces an object, unless asked to', async () => {
    const { storage } = await ground(kind);
    await storage.write('data', chunked(Buffer.from('first')), { signal: never });
    const second = storage.write('data', chunked(Buffer.from('second')), { signal: never });
    await expect(second).rejects.toMatchObject({ type: 'ObjectExists', nonRetryable: true });
    expect((await everything(await storage.read('data', { signal: never }))).toString()).toBe('first');
    await storage.write('data', chunked(Buffer.from('third')), { signal: never, ifAbsent: false });
    expect((await everything(await storage.read('data', { signal: never }))).toString()).toBe('third');
  });

  test.each([10, part + 10])('lets exactly one of two writers of %i bytes win', async (size) => {
    const { storage } = await ground(kind);
    const bodies = [randomBytes(size), randomBytes(size)];
    let arrived = 0;
    let open: () => void = () => {};
    const both = new Promise<void>((resolve) => (open = resolve));
    // Both have looked and sent everything before either may appear.
    const commit = async () => {
      if ((arrived += 1) === 2) open();
      await both;
    };
    const results = await Promise.allSettled(
      bodies.map((body) => storage.write('data', chunked(body), { signal: never, commit })),
    );
    const winner = results.findIndex(({ status }) => status === 'fulfilled');
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(results.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { type: 'ObjectExists' },
    });
    const stored = await everything(await storage.read('data', { signal: never }));
    expect(stored.equals(bodies[winner] ?? Buffer.alloc(0))).toBe(true);
    expect(await storage.abandonUploads('')).toBe(0);
  });

  test('lists by prefix, and removes without complaint what is gone', async () => {
    const { storage } = await ground(kind);
    for (const key of ['demo/a/x', 'demo/a/y', 'demo/ab/x', 'other/x']) {
      await storage.write(key, chunked(Buffer.from(key)), { signal: never });
    }
    expect(await keysUnder(storage, 'demo/')).toEqual(['demo/a/x', 'demo/a/y', 'demo/ab/x']);
    expect(await keysUnder(storage, 'demo/a/')).toEqual(['demo/a/x', 'demo/a/y']);
    expect(await keysUnder(storage, 'demo/a')).toEqual(['demo/a/x', 'demo/a/y', 'demo/ab/x']);
    expect(await keysUnder(storage, 'nothing/')).toEqual([]);
    await storage.remove('demo/a/x');
    await storage.remove('demo/a/x');
    await storage.remove('nothing/at/all');
    expect(await storage.stat('demo/a/x')).toBeUndefined();
    expect(await keysUnder(storage, '')).toEqual(['demo/a/y', 'demo/ab/x', 'other/x']);
  });

  test.each([
    '../out',
    '/etc/passwd',
    'a/../../b',
    'a//b',
    'a/./b',
    '',
    'a/',
    'a\0b',
    'a\\..\\b',
    'x.partial',
    'a'.repeat(1100),
  ])('refuses the key %j', async (key) => {
    const { storage } = await ground(kind);
    const refused = { type: 'InvalidInput', nonRetryable: true };
    await expect(storage.write(key, chunked(Buffer.from('x')), { signal: never })).rejects.toMatchObject(
      refused,
    );
    await expect(storage.read(key, { signal: never })).rejects.toMatchObject(refused);
    await expect(storage.stat(key)).rejects.toMatchObject(refused);
    await expect(storage.remove(key)).rejects.toMatchObject(refused);
  });

  test('says that a missing object is missing, which trying again cannot help', async () => {
    const { storage } = await ground(kind);
    const missing = { type: 'StorageFailed', nonRetryable: true, details: [{ missing: true }] };
    await expect(storage.read('nothing', { signal: never })).rejects.toMatchObject(missing);
  });

  test('raises an error when the object is cut while it is read', async () => {
    const { storage, fileOf } = await ground(kind);
    const bytes = randomBytes(64 * mebibyte);
    await storage.write('data', chunked(bytes, mebibyte), { signal: never });
    const source = await storage.read('data', { signal: never });
    const reading = (async () => {
      let seen = 0;
      for await (const chunk of source) {
        if (seen === 0) await truncate(fileOf('data'), 10 * mebibyte);
        seen += (chunk as Buffer).length;
      }
      return seen;
    })();
    await expect(reading).rejects.toThrow();
  });

  test('moves 600 MiB in far less memory', async () => {
    const { destination } = await ground(kind);
    const bytes = 600 * mebibyte;
    const writer = fork(path.join(import.meta.dirname, 'measured-writer.ts'), [
      JSON.stringify(destination),
      String(bytes),
    ]);
    const [measured] = (await once(writer, 'message')) as [{ grown: number; written: number; read: number }];
    expect(measured).toMatchObject({ written: bytes, read: bytes });
    // 64 MiB of parts at most, and what the collector has not collected yet.
    expect(measured.grown).toBeLessThan(300 * mebibyte);
  });

  test('shows nothing of a writer that was killed, and clears away what it left', async () => {
    const there = await ground(kind);
    await killedWhileWriting(there, 20 * mebibyte);
    expect(await there.storage.stat('demo/dump')).toBeUndefined();
    expect(await keysUnder(there.storage, '')).toEqual([]);
    expect(await there.storage.abandonUploads('other/')).toBe(0);
    expect(await there.storage.abandonUploads('demo/')).toBe(1);
    expect(await there.storage.abandonUploads('')).toBe(0);
    const bytes = randomBytes(1000);
    await there.storage.write('demo/dump', chunked(bytes), { signal: never });
    expect((await everything(await there.storage.read('demo/dump', { signal: never }))).equals(bytes)).toBe(
      true,
    );
  });
});

/** A process of its own writes `demo/dump`, says so after so many bytes, and is killed with SIGKILL. */
async function killedWhileWriting({ destination }: Ground, after: number): Promise<void> {
  const writer = fork(path.join(import.meta.dirname, 'endless-writer.ts'), [
    JSON.stringify(destination),
    String(after),
  ]);
  const [message] = (await once(writer, 'message')) as [unknown];
  expect(message).toBe('writing');
  const ended = once(writer, 'exit');
  writer.kill('SIGKILL');
  const [, signalName] = (await ended) as [unknown, string];
  expect(signalName).toBe('SIGKILL');
}
