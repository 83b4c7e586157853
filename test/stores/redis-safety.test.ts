/** Redis: what must never happen to data, whatever fails and whenever. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chown, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

import type { ComponentRecord } from '../../src/activities/backups/manifest.ts';
import { readMark, writeMark } from '../../src/activities/stores/redis/directories.ts';
import { redisKind } from '../../src/activities/stores/redis/index.ts';
import { withScratchRedis } from '../../src/activities/stores/redis/scratch.ts';
import { isAlive, processStat } from '../../src/exec/index.ts';
import { run } from '../../tools/lib/run.ts';
import { type RedisServer, startRedis } from '../support/servers.ts';
import { backupA, type Bench, bench, thisProcess, work, writeManifest } from './redis-support.ts';

const servers: RedisServer[] = [];

/** A server with a few keys, and a backup of them; then one key more. */
async function backedUp(
  options: Parameters<typeof bench>[0] = {},
): Promise<Bench & { record: ComponentRecord }> {
  const b = await bench(options);
  servers.push(b.server);
  await b.fill([
    ['SET', 'name', 'before'],
    ['SADD', 'set', 'a', 'b'],
    ['SET', 'passing', 'x', 'EX', '90000'],
  ]);
  const record = await b.backUp();
  await b.server.cli('SET', 'after', 'the backup');
  await b.server.cli('SAVE');
  return { ...b, record };
}
afterAll(async () => {
  for (const server of servers) await server.stop();
});

/** The restored directory, and the server stopped: a swap is next. */
async function restored(b: Bench) {
  const replacement = await redisKind.restoreBeside.act(b.restoreRequest(), work('1'));
  await b.server.stop();
  return { ...b.store, replacement };
}

async function hashOf(directory: string): Promise<string> {
  const hash = createHash('sha256');
  for (const entry of (await readdir(directory, { recursive: true })).sort()) {
    hash.update(entry);
    const file = path.join(directory, entry);
    if ((await stat(file)).isFile()) hash.update(await readFile(file));
  }
  return hash.digest('hex');
}

describe('a comparison', () => {
  it.each([{ appendonly: true }, { appendonly: false }])(
    'finds one changed key in what the live server would start from (appendonly: $appendonly)',
    async ({ appendonly }) => {
      const b = await backedUp({ appendonly });
      const replacement = await redisKind.restoreBeside.act(b.restoreRequest(), work('1'));
      const request = { ...b.restoreRequest(), replacement };
      expect(await redisKind.compare(request, work('2'))).toMatchObject({ equal: true, rows: '3' });
      const before = await hashOf(replacement.name);
      await redisKind.compare(request, work('2'));
      expect(await hashOf(replacement.name)).toBe(before);

      const tamper = await startRedis({ directory: replacement.name, appendonly });
      servers.push(tamper);
      await tamper.cli('SADD', 'set', 'c');
      if (!appendonly) await tamper.cli('SAVE');
      await tamper.stop();
      const changed = await redisKind.compare(request, work('2'));
      expect(changed.equal).toBe(false);
      expect(changed.differences).toEqual([
        'Database 0, keys without expiry: as many (2), but with other contents.',
      ]);
    },
  );
});

describe('damage', () => {
  const object = (b: Bench) => path.join(b.backups, 'shop', backupA, 'cache', 'data.rdb.zst');

  it('in the stored bytes is refused before anything is made', async () => {
    const b = await backedUp();
    const live = await hashOf(b.dataDirectory);
    const bytes = await readFile(object(b));
    bytes[bytes.length - 20] = (bytes[bytes.length - 20] ?? 0) ^ 0xff;
    await writeFile(object(b), bytes);
    await expect(redisKind.restoreBeside.act(b.restoreRequest(), work('1'))).rejects.toMatchObject({
      type: 'BackupDamaged',
      nonRetryable: true,
    });
    expect(existsSync(`${b.dataDirectory}.restoring`)).toBe(false);
    expect(await hashOf(b.dataDirectory)).toBe(live);
    expect(await b.server.cli('GET', 'after')).toBe('the backup');
  });

  it.each([
    { what: 'a changed byte', damage: (rdb: Buffer) => rdb.fill(rdb[60] === 1 ? 2 : 1, 60, 61) },
    { what: 'a missing end', damage: (rdb: Buffer) => rdb.subarray(0, rdb.length - 30) },
  ])(
    'in the dump itself ($what), with a manifest that fits it, is refused by Redis’ own checker',
    async ({ damage }) => {
      const b = await backedUp();
      const live = await hashOf(b.dataDirectory);
      const plain = path.join(b.base, 'plain.rdb');
      await run('zstd', ['-d', '-q', '-f', object(b), '-o', plain]);
      await writeFile(plain, damage(await readFile(plain)));
      await run('zstd', ['-q', '-f', plain, '-o', object(b)]);
      const bytes = await readFile(object(b));
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      const objects = b.record.objects.map((one) =>
        one.name === 'data.rdb.zst' ? { ...one, bytes: bytes.length, sha256 } : one,
      );
      await writeManifest(path.join(b.backups, 'shop', backupA), backupA, { ...b.record, objects });
      const refused = redisKind.restoreBeside.act(b.restoreRequest(), work('1'));
      await expect(refused).rejects.toMatchObject({ type: 'BackupDamaged', nonRetryable: true });
      expect(existsSync(`${b.dataDirectory}.restoring`)).toBe(false);
      expect(await hashOf(b.dataDirectory)).toBe(live);
    },
  );
});

describe('a crash', () => {
  it.each([
    { moment: 'before the first rename', state: 'ready', moved: false },
    { moment: 'after the first rename', state: 'ready', moved: true },
    { moment: 'right before the second rename', state: 'live', moved: true },
  ] as const)('$moment: the swap goes on where it was', async ({ state, moved }) => {
    const b = await backedUp({ appendonly: true });
    const request = await restored(b);
    const { kept } = await halfSwapped(b, request, state, moved);
    expect(await redisKind.swap.observe(request, work('3'))).toMatchObject({ foreseen: { keptAs: kept } });
    const swapped = await redisKind.swap.act(request, work('3'));
    expect(swapped.keptAs).toBe(kept);
    await b.server.start();
    expect(await b.server.cli('GET', 'name')).toBe('before');
    expect(await b.server.cli('EXISTS', 'after')).toBe('0');
    expect(await readMark(kept)).toMatchObject({ state: 'kept', until: swapped.until });
  });

  it.each([
    {
      by: 'the undo of the restore',
      clear: async (b: Bench) => await redisKind.discard.act(b.swapRequest(''), work('9')),
    },
    {
      by: 'the next run',
      clear: async (b: Bench) =>
        await redisKind.restoreBeside.act(b.restoreRequest(), work('1', { run: 'run-2' })),
    },
  ])('between the renames is taken back by $by: the old data is live again', async ({ clear }) => {
    const b = await backedUp({ appendonly: true });
    await halfSwapped(b, await restored(b), 'live', true);
    expect(existsSync(b.dataDirectory)).toBe(false);
    await clear(b);
    await b.server.start();
    expect(await b.server.cli('GET', 'after')).toBe('the backup');
    expect(await readMark(b.dataDirectory)).toBeUndefined();
  });

  it('between the renames of the way back: it goes on', async () => {
    const b = await backedUp({ appendonly: true });
    const request = await restored(b);
    const swapped = await redisKind.swap.act(request, work('3'));
    const back = { ...request, swapped };
    const mark = await readMark(b.dataDirectory);
    if (!mark) throw new Error('no mark');
    await writeMark(b.dataDirectory, { ...mark, state: 'aside' });
    await rename(b.dataDirectory, `${b.dataDirectory}.restoring`);
    expect(await redisKind.swapBack.act(back, work('4'))).toEqual({ restored: true });
    await b.server.start();
    expect(await b.server.cli('GET', 'after')).toBe('the backup');
  });

  it('in the middle of a restore: the next attempt starts anew', async () => {
    const b = await backedUp({ appendonly: true });
    const target = `${b.dataDirectory}.restoring`;
    await mkdir(target);
    const facts = { dataDirectory: b.dataDirectory, key: work('1').call.key, backupId: backupA, takenAt: '' };
    await writeMark(target, { ...facts, state: 'loading' });
    await writeFile(path.join(target, 'dump.rdb'), 'half of it');
    const replacement = await redisKind.restoreBeside.act(b.restoreRequest(), work('1'));
    expect(await redisKind.restoreBeside.observe(b.restoreRequest(), work('1'))).toEqual({
      done: replacement,
    });
    const request = { ...b.restoreRequest(), replacement };
    expect(await redisKind.compare(request, work('2'))).toMatchObject({ equal: true });
  });

  it('of a worker takes its scratch server with it, or the next attempt does', async () => {
    const b = await backedUp();
    const script = path.join(import.meta.dirname, 'redis-crash-child.ts');
    const child = spawnSync(process.execPath, [script, b.dataDirectory], {
      encoding: 'utf8',
      env: { ...process.env, REDIS_TEST_RUN: thisProcess },
    });
    expect(child.signal).toBe('SIGKILL');
    const orphan = Number(/process_id:(\d+)/.exec(child.stdout)?.[1]);
    expect(await readName(b)).toBe('before');
    expect(isAlive(processStat(orphan))).toBe(false);
  });

  it('that was none: an attempt taken for dead loses its scratch server to the next, and disturbs it no more', async () => {
    const b = await backedUp();
    const [isUp, isReplaced] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
    const first = withScratchRedis(scratchOf(b), work('crash'), async (client) => {
      isUp.resolve(undefined);
      await isReplaced.promise;
      return await client.text('GET', 'name');
    });
    const refused = expect(first).rejects.toThrow();
    await isUp.promise;
    const name = await readName(b, async () => {
      isReplaced.resolve(undefined);
      await refused;
    });
    expect(name).toBe('before');
  });
});

function scratchOf(b: Bench) {
  return { purpose: 'crash', dataDirectory: b.dataDirectory, dbFile: 'dump.rdb' };
}

async function readName(
  b: Bench,
  first: () => Promise<void> = async () => await Promise.resolve(),
): Promise<string> {
  return await withScratchRedis(scratchOf(b), work('crash'), async (client) => {
    await first();
    return await client.text('GET', 'name');
  });
}

/** The state that a worker leaves which is killed at that moment of the swap. */
async function halfSwapped(
  b: Bench,
  request: Awaited<ReturnType<typeof restored>>,
  state: 'ready' | 'live',
  moved: boolean,
) {
  const swapped = await redisKind.swap.act(request, work('3'));
  const mark = await readMark(b.dataDirectory);
  if (!mark) throw new Error('no mark');
  await rename(b.dataDirectory, request.replacement.name);
  await writeMark(request.replacement.name, { ...mark, state });
  if (!moved) await rename(swapped.keptAs, b.dataDirectory);
  return { kept: swapped.keptAs };
}

describe('what is not ours', () => {
  it('is never taken for a replacement, nor removed', async () => {
    const b = await backedUp();
    const target = `${b.dataDirectory}.restoring`;
    await mkdir(target);
    await writeFile(path.join(target, 'thesis.txt'), 'ten years');
    await expect(redisKind.restoreBeside.act(b.restoreRequest(), work('1'))).rejects.toMatchObject({
      type: 'NotOurs',
    });
    await expect(redisKind.discard.act(b.swapRequest(target), work('5'))).rejects.toMatchObject({
      type: 'NotOurs',
    });
    await expect(redisKind.discard.act(b.swapRequest(b.base), work('5'))).rejects.toMatchObject({
      type: 'NotOurs',
    });
    expect(await redisKind.discard.act(b.swapRequest(''), work('5'))).toEqual({ removed: false });
    expect(existsSync(path.join(target, 'thesis.txt'))).toBe(true);
  });

  it('or not over yet is never purged; what is ours and over is', async () => {
    const b = await backedUp();
    const request = await restored(b);
    const { keptAs } = await redisKind.swap.act(request, work('3'));
    const stranger = `${b.dataDirectory}.replaced-by-hand`;
    await mkdir(stranger);
    expect(await redisKind.purgeKept.observe(b.store, work('6'))).toEqual({ done: { removed: [] } });
    const mark = await readMark(keptAs);
    if (!mark) throw new Error('no mark');
    await writeMark(keptAs, { ...mark, until: new Date(Date.now() - 1000).toISOString() });
    expect(await redisKind.purgeKept.act(b.store, work('6'))).toEqual({ removed: [keptAs] });
    expect([existsSync(keptAs), existsSync(stranger), existsSync(b.dataDirectory)]).toEqual([
      false,
      true,
      true,
    ]);
  });

  it('stays when what was put aside by a way back is in the way of the next restore', async () => {
    const b = await backedUp({ appendonly: true });
    const request = await restored(b);
    const swapped = await redisKind.swap.act(request, work('3'));
    await b.server.start();
    await b.server.cli('SET', 'written', 'meanwhile');
    await b.server.stop();
    await redisKind.swapBack.act({ ...request, swapped }, work('4'));
    await redisKind.restoreBeside.act(b.restoreRequest(), work('1', { run: 'run-2' }));
    const kept = (await readdir(b.base)).filter((entry) => entry.includes('.replaced-'));
    expect(kept).toHaveLength(1);
    const aof = await run('grep', ['-rl', 'meanwhile', path.join(b.base, kept[0] ?? '')]);
    expect(aof.stdout).toContain('appendonlydir');
  });
});

describe('a plan and a drill', () => {
  it('a plan names commands and touches nothing', async () => {
    const b = await backedUp();
    const before = await readdir(b.base);
    const plan = work('1', { plan: true });
    const seen = await redisKind.restoreBeside.observe(b.restoreRequest(), plan);
    const swap = await redisKind.swap.observe(b.swapRequest(`${b.dataDirectory}.restoring`), plan);
    const dump = await redisKind.dump.observe(b.dumpRequest('shop-manual-20260102T030405Z-ffffffff'), plan);
    expect([seen, swap, dump].map((one) => ('todo' in one ? one.todo.length : 0))).toEqual([2, 2, 1]);
    expect(await readdir(b.base)).toEqual(before);
  });

  it('a drill restores in the state directory, is compared and thrown away; the live data stays', async () => {
    const b = await backedUp({ appendonly: true });
    const request = b.restoreRequest('drill');
    const replacement = await redisKind.restoreBeside.act(request, work('1'));
    expect(replacement.name.startsWith(path.join(b.base, 'state', 'drills'))).toBe(true);
    expect(await redisKind.compare({ ...request, replacement }, work('2'))).toMatchObject({ equal: true });
    await expect(redisKind.swap.act({ ...b.store, replacement }, work('3'))).rejects.toThrow();
    expect(await redisKind.discard.act({ ...b.store, replacement }, work('5'))).toEqual({ removed: true });
    expect(await readdir(path.join(b.base, 'state', 'drills'))).toEqual([]);
    expect(await b.server.cli('GET', 'after')).toBe('the backup');
  });

  it.runIf(process.getuid?.() === 0)('the restored directory belongs to whom the live one does', async () => {
    const b = await backedUp({ appendonly: true });
    await chown(b.dataDirectory, 65_534, 65_534);
    const { name } = await redisKind.restoreBeside.act(b.restoreRequest(), work('1'));
    for (const entry of ['', 'dump.rdb', 'appendonlydir', 'appendonlydir/appendonly.aof.manifest']) {
      expect((await stat(path.join(name, entry))).uid, entry).toBe(65_534);
    }
  });

  it('a server that is down and has lost its directory gets its data back', async () => {
    const b = await backedUp({ appendonly: true });
    await b.server.stop();
    const request = {
      ...b.store,
      replacement: await redisKind.restoreBeside.act(b.restoreRequest(), work('1')),
    };
    await rm(b.dataDirectory, { recursive: true });
    const swapped = await redisKind.swap.act(request, work('3'));
    expect(swapped.keptAs).toBe('');
    await b.server.start();
    expect(await b.server.cli('GET', 'name')).toBe('before');
  });
});
