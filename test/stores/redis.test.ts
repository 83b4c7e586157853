/** Redis: dumped, restored beside, compared, swapped in, taken back. Against real servers; asserted is the data. */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

import { redisContents } from '../../src/activities/backups/manifest.ts';
import { probeRedis, redisKind } from '../../src/activities/stores/redis/index.ts';
import { isAlive, liveProcesses, processStat } from '../../src/exec/index.ts';
import { run } from '../../tools/lib/run.ts';
import { type RedisServer, waitUntil } from '../support/servers.ts';
import { backupA, type Bench, bench, everything, work } from './redis-support.ts';

const servers: RedisServer[] = [];
async function newBench(options: Parameters<typeof bench>[0] = {}): Promise<Bench> {
  const made = await bench(options);
  servers.push(made.server);
  return made;
}
afterAll(async () => {
  for (const server of servers) await server.stop();
});

/** Each key takes the server 0.3 ms: a dump takes six seconds. */
const slowly = { 'rdb-key-save-delay': '300' };

/** Waits until bytes have come through; the end is seconds away then. */
async function underWay(b: Bench): Promise<void> {
  await waitUntil(async () => {
    const files = await filesBelow(path.join(b.base, 'scratch'));
    return files.length > 0 && (await stat(files[0] ?? '')).size > 0;
  });
}

/** The redis-cli that dumps this server; it works for this test alone. */
function dumperOf(b: Bench): number {
  const found = liveProcesses().find(({ pid }) => {
    const words = commandOf(pid);
    return (
      /(^|\/)redis-cli$/.test(words[0] ?? '') &&
      words.includes(String(b.server.port)) &&
      words.includes('--rdb')
    );
  });
  if (!found) throw new Error('no redis-cli dumps this server');
  return found.pid;
}

function commandOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return []; // It has ended meanwhile.
  }
}

/** Objects that count: not what a killed upload left in a hidden place. */
async function storedObjects(b: Bench): Promise<string[]> {
  const files = await filesBelow(b.backups);
  return files.filter((file) => !file.slice(b.backups.length).includes('/.'));
}

async function filesBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
}

describe.each([
  { name: 'with an append-only file', appendonly: true },
  { name: 'without', appendonly: false },
])('all of it, on a server $name', ({ appendonly }) => {
  it('dumps, restores beside, compares equal, swaps, and the server starts with the data and its expiries', async () => {
    const { server, ...b } = await newBench({ appendonly });
    await b.fill(everything());
    const keys = await server.cli('DBSIZE');
    const record = await b.backUp();
    expect(record.summary).toMatchObject({ keys: Number(keys) + 3, databases: 3 });
    expect(Math.abs(Date.parse(record.takenAt) - Date.now())).toBeLessThan(120_000);

    // After the backup: what a restore is to take back.
    await server.cli('FLUSHALL');
    await server.cli('SET', 'late', 'comer');
    await writeFile(path.join(b.dataDirectory, 'users.acl'), 'user default on nopass ~* &* +@all\n');
    const replacement = await redisKind.restoreBeside.act(b.restoreRequest(), work('1'));
    expect(replacement.name).toBe(`${b.dataDirectory}.restoring`);
    expect(await server.cli('GET', 'late')).toBe('comer');
    const comparison = await redisKind.compare({ ...b.restoreRequest(), replacement }, work('2'));
    expect(comparison).toMatchObject({
      equal: true,
      compared: 3,
      differences: [],
      rows: String(Number(keys) + 3),
    });

    const request = { ...b.store, replacement };
    await expect(redisKind.swap.act(request, work('3'))).rejects.toThrow(/still runs/);
    await server.stop();
    const swapped = await redisKind.swap.act(request, work('3'));
    expect(await redisKind.swap.observe(request, work('3'))).toEqual({ done: swapped });
    await server.start();
    expect(await server.cli('DBSIZE')).toBe(keys);
    expect(await server.cli('GET', 'key:19999')).toBe(`value ${19_999 * 7}`);
    expect(Number(await server.cli('TTL', 'session:10'))).toBeGreaterThan(6_000);
    expect(await server.cli('HLEN', 'hash:large')).toBe('1500');
    expect(await server.cli('XLEN', 'stream')).toBe('1500');
    expect(await server.cli('-n', '9', 'LRANGE', 'queue', '0', '-1')).toBe('one\ntwo');
    expect(await server.cli('EXISTS', 'late')).toBe('0');
    expect(await server.cli('CONFIG', 'GET', 'appendonly')).toBe(`appendonly\n${appendonly ? 'yes' : 'no'}`);
    expect(existsSync(path.join(b.dataDirectory, 'users.acl'))).toBe(true);
    expect(existsSync(swapped.keptAs)).toBe(true);

    // And back again.
    await server.stop();
    const back = { ...request, swapped };
    expect(await redisKind.swapBack.act(back, work('4'))).toEqual({ restored: true });
    expect(await redisKind.swapBack.observe(back, work('4'))).toEqual({ done: { restored: true } });
    await server.start();
    expect(await server.cli('DBSIZE')).toBe(appendonly ? '1' : '0'); // without a save nothing was kept by the server itself
    expect(await redisKind.discard.act(request, work('5'))).toEqual({ removed: true });
    expect(await redisKind.discard.observe(request, work('5'))).toEqual({ done: { removed: false } });
    expect((await readdir(b.base)).filter((entry) => entry.startsWith('data'))).toEqual(['data']);
  });
});

describe('what a dump is', () => {
  it('is an RDB to the byte, verified by a second tool, never done twice', async () => {
    const b = await newBench({ password: randomBytes(9).toString('hex') });
    await b.fill(everything());
    const record = await b.backUp();
    const stored = path.join(b.backups, 'shop', backupA, 'cache');
    expect((await readdir(stored)).sort()).toEqual(['contents.json', 'data.rdb.zst', 'record.json']);
    const rdb = path.join(b.base, 'by-hand.rdb');
    await run('zstd', ['-d', '-q', path.join(stored, 'data.rdb.zst'), '-o', rdb]);
    const { stdout } = await run('redis-check-rdb', [rdb]);
    expect(stdout).toContain('RDB looks OK');
    const bytes = await readFile(rdb);
    // The end of an RDB: its last opcode and eight bytes of checksum, and nothing of the transfer's end mark.
    expect(bytes.at(-9)).toBe(0xff);
    expect(bytes.length).toBe(record.summary['rdbBytes']);
    const contents = redisContents.parse(
      JSON.parse(await readFile(path.join(stored, 'contents.json'), 'utf8')),
    );
    expect(contents.databases.map(({ index, lasting }) => [index, lasting.keys])).toEqual([
      [0, 20_010],
      [3, 1],
      [9, 1],
    ]);
    const expiring = contents.databases.flatMap((database) => database.expiring.map(({ keys }) => keys));
    expect(expiring.reduce((sum, count) => sum + count, 0)).toBe(501);
    expect(await redisKind.dump.observe(b.dumpRequest(), work('dump'))).toEqual({ done: record });
    expect(await readdir(path.join(b.base, 'scratch'))).toEqual([]);
  });

  it('also of a server that sends a file of known length, without an end mark', async () => {
    const b = await newBench({ config: { 'repl-diskless-sync': 'no' } });
    await b.fill(everything());
    const record = await b.backUp();
    expect(record.summary['keys']).toBe(20_513);
  });

  it.each([
    { who: 'the server', kill: async (b: Bench) => await b.server.kill() },
    {
      who: 'redis-cli',
      kill: async (b: Bench) => await Promise.resolve(process.kill(dumperOf(b), 'SIGKILL')),
    },
  ])('stores nothing when $who is killed in the middle', async ({ kill }) => {
    const b = await newBench({ config: slowly });
    await b.fill(everything());
    const dumping = redisKind.dump.act(b.dumpRequest(), work('dump'));
    const outcome = expect(dumping).rejects.toMatchObject({
      type: expect.stringMatching(/Unreachable|CommandFailed/) as string,
      nonRetryable: false,
    });
    await underWay(b);
    await kill(b);
    await outcome;
    expect(await storedObjects(b)).toEqual([]);
    expect(await readdir(path.join(b.base, 'scratch'))).toEqual([]);
  });

  it('stores nothing when it is cancelled, and leaves no program behind', async () => {
    const b = await newBench({ config: slowly });
    await b.fill(everything());
    const controller = new AbortController();
    const dumping = redisKind.dump.act(b.dumpRequest(), work('dump', { signal: controller.signal }));
    const outcome = expect(dumping).rejects.toThrow(/enough/);
    await underWay(b);
    const dumper = dumperOf(b);
    controller.abort(new Error('enough'));
    await outcome;
    expect(isAlive(processStat(dumper))).toBe(false);
    expect(await storedObjects(b)).toEqual([]);
    // The next attempt is not hindered by what this one left.
    await b.server.cli('CONFIG', 'SET', 'rdb-key-save-delay', '0');
    expect((await b.backUp()).summary['keys']).toBe(20_513);
  });

  it('says that the password is wrong, without saying which', async () => {
    const password = randomBytes(9).toString('hex');
    const b = await newBench({ password });
    await writeFile(path.join(b.base, 'password'), 'wrong-one');
    const refused = redisKind.dump.act(b.dumpRequest(), work('dump'));
    await expect(refused).rejects.toMatchObject({ type: 'ConfigurationError', nonRetryable: true });
    await expect(refused).rejects.toThrow(/WRONGPASS/);
    await expect(refused).rejects.not.toThrow(/wrong-one/);
    expect(await storedObjects(b)).toEqual([]);
    const probe = await probeRedis(b.store, work('probe'));
    expect(probe).toMatchObject({ reachable: false, version: null });
    await writeFile(path.join(b.base, 'password'), password);
    expect(await probeRedis(b.store, work('probe'))).toMatchObject({
      reachable: true,
      version: expect.stringMatching(/^\d/) as string,
    });
  });
});
