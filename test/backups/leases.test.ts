/** A restore reads a backup while retention would remove it: in every order, on both kinds of storage, with real runs. */
import { randomBytes } from 'node:crypto';
import { utimes } from 'node:fs/promises';
import type { Client } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { keys } from '../../src/activities/backups/manifest.ts';
import type { BackupPlace } from '../../src/activities/contract.ts';
import { chunked, type Ground, ground, keysUnder, kinds, never } from '../storage/support.ts';
import {
  as,
  backupIdAt,
  daysAgo,
  openRun,
  policyOf,
  type Run,
  storeComponent,
  temporalClient,
} from './support.ts';

let client: Client;
let run: Run;

beforeAll(async () => {
  client = await temporalClient();
  run = await openRun(client);
});

afterAll(async () => {
  await run.end();
  await client.connection.close();
});

const rdb = Buffer.concat([Buffer.from('REDIS0010'), Buffer.from([0xff]), Buffer.alloc(8)]);

/** A verified backup of one small component, taken so many days ago. */
async function taken(there: Ground, place: BackupPlace, days: number): Promise<string> {
  const at = daysAgo(days);
  const id = backupIdAt(at);
  const component = await storeComponent(there, id, 'redis', at, {
    name: 'dump.rdb',
    bytes: rdb,
    compression: 'none',
  });
  await as(run, client).writeManifest(place, id, [component], at);
  const { result } = await as(run, client).verify(place, id);
  expect(result).toMatchObject({ ok: true, notes: [expect.stringContaining('without a checksum')] });
  return id;
}

async function twoBackups(kind: (typeof kinds)[number]) {
  const there = await ground(kind);
  const place = {
    system: 'demo',
    backup: policyOf(there, { components: ['cache'], retention: { keepLast: 1, keepFor: '30d' } }),
  };
  const old = await taken(there, place, 40);
  const fresh = await taken(there, place, 1);
  return { there, place, old, fresh };
}

describe.each(kinds)('on %s', (kind) => {
  test('retention removes the old backup whole, keeps the fresh one, and finds its work done', async () => {
    const { there, place, old, fresh } = await twoBackups(kind);
    const planned = await as(run, client).plan(place);
    expect(planned).toMatchObject({
      performed: false,
      result: { removed: [old] },
      commands: [expect.stringContaining(old)],
    });
    expect(await keysUnder(there.storage, keys.backup('demo', old))).not.toEqual([]);
    const done = await as(run, client).retain(place);
    expect(done.result).toEqual({ removed: [old], kept: [`${fresh}: one of the newest 1`] });
    expect(await keysUnder(there.storage, keys.backup('demo', old))).toEqual([]);
    expect((await as(run, client).verify(place, fresh)).result.ok).toBe(true);
    expect(await as(run, client).retain(place)).toMatchObject({ performed: false, result: { removed: [] } });
  });

  test('a lease that came first keeps the backup until its run has given it back', async () => {
    const { there, place, old } = await twoBackups(kind);
    const restore = await openRun(client);
    expect(await as(restore, client).lease(place, old)).toMatchObject({ performed: true });
    expect(await as(restore, client, 'again').lease(place, old)).toMatchObject({ performed: false });
    const before = await keysUnder(there.storage, keys.backup('demo', old));
    const { result } = await as(run, client).retain(place);
    expect(result.removed).toEqual([]);
    expect(result.kept).toContainEqual(expect.stringContaining(`${old}: in use by ${restore.workflowId}`));
    expect(await keysUnder(there.storage, keys.backup('demo', old))).toEqual(before);
    expect(await as(restore, client, 'another step').release(place, old)).toMatchObject({
      result: { released: true },
    });
    expect(await as(restore, client).release(place, old)).toMatchObject({
      performed: false,
      result: { released: false },
    });
    expect((await as(run, client).retain(place)).result.removed).toEqual([old]);
    await restore.end();
  });

  test('a lease whose run has ended holds nobody up', async () => {
    const { place, old } = await twoBackups(kind);
    const restore = await openRun(client);
    await as(restore, client).lease(place, old);
    await restore.end();
    expect((await as(run, client).retain(place)).result.removed).toEqual([old]);
  });

  test('a tombstone that came first refuses the lease, and leaves none behind', async () => {
    const { there, place, old, fresh } = await twoBackups(kind);
    await there.storage.write(keys.removing('demo', old), chunked(Buffer.from('{}')), { signal: never });
    await expect(as(run, client).lease(place, old)).rejects.toMatchObject({ type: 'NoUsableBackup' });
    expect(await keysUnder(there.storage, keys.leases('demo', old))).toEqual([]);
    await expect(as(run, client).choose(place, old)).rejects.toThrow('it is being removed');
    expect(await as(run, client).choose(place, null)).toMatchObject({ id: fresh });
  });

  test('a removal that was interrupted anywhere is finished by the next one', async () => {
    const { there, place, old } = await twoBackups(kind);
    const all = await keysUnder(there.storage, keys.backup('demo', old));
    await there.storage.write(keys.removing('demo', old), chunked(Buffer.from('{}')), { signal: never });
    await there.storage.remove(keys.manifest('demo', old));
    await there.storage.remove(all[0] ?? '');
    expect(await as(run, client).list(place)).toContainEqual(
      expect.objectContaining({ id: old, state: 'removing' }),
    );
    expect((await as(run, client).retain(place)).result.removed).toEqual([old]);
    expect(await keysUnder(there.storage, keys.backup('demo', old))).toEqual([]);
  });

  test('two retentions and a restore at once: the restore has the whole backup, or is refused', async () => {
    const { there, place, old, fresh } = await twoBackups(kind);
    const restore = await openRun(client);
    const results = await Promise.allSettled([
      as(run, client).retain(place),
      as(run, client).retain(place),
      as(restore, client).lease(place, old),
    ]);
    expect(results.slice(0, 2).map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
    if (results[2].status === 'fulfilled') {
      expect((await keysUnder(there.storage, keys.backup('demo', old))).length).toBeGreaterThan(4);
    } else {
      expect(results[2]).toMatchObject({ reason: { type: 'NoUsableBackup' } });
    }
    await restore.end();
    await as(run, client).retain(place);
    expect(await keysUnder(there.storage, keys.backup('demo', old))).toEqual([]);
    expect((await as(run, client).verify(place, fresh)).result.ok).toBe(true);
  });

  test('a lease on what is not there, or has no manifest, is refused', async () => {
    const { there, place } = await twoBackups(kind);
    const id = backupIdAt(daysAgo(3));
    await expect(as(run, client).lease(place, id)).rejects.toMatchObject({ type: 'NoUsableBackup' });
    expect(await keysUnder(there.storage, keys.backup('demo', id))).toEqual([]);
    await expect(as(run, client).lease(place, '../../x')).rejects.toMatchObject({ type: 'InvalidInput' });
    await expect(as(run, client).lease(place, id.replace('demo', 'shop'))).rejects.toMatchObject({
      type: 'InvalidInput',
    });
  });
});

test('when Temporal cannot be asked, a lease counts as in use', async () => {
  const { place, old } = await twoBackups('filesystem');
  const restore = await openRun(client);
  await as(restore, client).lease(place, old);
  await restore.end();
  const cutOff = await temporalClient();
  await cutOff.connection.close();
  const { result } = await as(run, cutOff).retain(place);
  expect(result.removed).toEqual([]);
  expect(result.kept).toContainEqual(expect.stringContaining(`${old}: in use by ${restore.workflowId}`));
});

test('what a dead run left without a manifest goes after two days; a young one, and a running one, stay', async () => {
  const { there, place } = await twoBackups('filesystem');
  const dead = backupIdAt(daysAgo(5), randomBytes(4).toString('hex'));
  const young = backupIdAt(daysAgo(1), randomBytes(4).toString('hex'));
  const running = backupIdAt(daysAgo(5), run.runId.slice(0, 8));
  for (const id of [dead, young, running]) {
    const key = keys.object('demo', id, 'cache', 'dump.rdb');
    await there.storage.write(key, chunked(rdb), { signal: never });
    if (id !== young) await utimes(there.fileOf(key), daysAgo(5), daysAgo(5));
  }
  // A dead run's object that was written a moment ago: somebody is still at it.
  const touched = backupIdAt(daysAgo(5), randomBytes(4).toString('hex'));
  await there.storage.write(keys.object('demo', touched, 'cache', 'dump.rdb'), chunked(rdb), {
    signal: never,
  });
  let seen: string[] = [];
  // The server's list of open runs lags behind by a moment.
  await expect
    .poll(async () => (seen = (await as(run, client).plan(place)).result.removed), { timeout: 15_000 })
    .not.toContain(running);
  expect(seen).toContain(dead);
  const { result } = await as(run, client).retain(place);
  expect(result.removed).toContain(dead);
  for (const id of [young, running, touched]) {
    expect(result.kept).toContainEqual(expect.stringContaining(`${id}: cannot be read: no manifest`));
    expect(await keysUnder(there.storage, keys.backup('demo', id))).toHaveLength(1);
  }
});
