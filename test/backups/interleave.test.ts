/** The protocol of leases and tombstones under every order of storage calls that fast-check's scheduler comes up with. */
import * as fc from 'fast-check';
import type { Client } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { takeLease } from '../../src/activities/backups/lease.ts';
import { keys } from '../../src/activities/backups/manifest.ts';
import { openPlace, type OpenPlace } from '../../src/activities/backups/place.ts';
import { removeBackup } from '../../src/activities/backups/remove.ts';
import type { ObjectEntry, ObjectStorage } from '../../src/activities/storage/contract.ts';
import { chunked, ground, keysUnder, never } from '../storage/support.ts';
import { as, backupIdAt, daysAgo, openRun, policyOf, type Run, temporalClient } from './support.ts';

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

/** The same storage, each call of which waits until the scheduler lets it go. */
function scheduled(storage: ObjectStorage, scheduler: fc.Scheduler, who: string): ObjectStorage {
  const turn = async (what: string) => await scheduler.schedule(Promise.resolve(), `${who} ${what}`);
  return {
    locate: (key) => storage.locate(key),
    async write(key, body, options) {
      await turn(`write ${key}`);
      return await storage.write(key, body, options);
    },
    async read(key, options) {
      await turn(`read ${key}`);
      return await storage.read(key, options);
    },
    async stat(key) {
      await turn(`stat ${key}`);
      return await storage.stat(key);
    },
    async *list(prefix) {
      await turn(`list ${prefix}`);
      const entries: ObjectEntry[] = [];
      for await (const entry of storage.list(prefix)) entries.push(entry);
      yield* entries;
    },
    async remove(key) {
      await turn(`remove ${key}`);
      await storage.remove(key);
    },
    async abandonUploads(prefix) {
      await turn(`abandon ${prefix}`);
      return await storage.abandonUploads(prefix);
    },
  };
}

/** The same place, and when so many of its storage calls have ended. */
function counted(place: OpenPlace, calls: number): { place: OpenPlace; hasHeadStart: Promise<void> } {
  let begin: () => void = () => {};
  const hasHeadStart = new Promise<void>((resolve) => (begin = resolve));
  let left = calls;
  const count = <Answer>(answer: Answer): Answer => {
    if ((left -= 1) <= 0) begin();
    return answer;
  };
  if (calls === 0) begin();
  const { storage } = place;
  const counting: ObjectStorage = {
    ...storage,
    write: async (...asked) => count(await storage.write(...asked)),
    stat: async (...asked) => count(await storage.stat(...asked)),
  };
  return { place: { ...place, storage: counting }, hasHeadStart };
}

test('whoever gets a lease has the whole backup; nobody else gets one; and then it is gone whole', async () => {
  const there = await ground('filesystem');
  const place = await openPlace({ system: 'demo', backup: policyOf(there) }, never);
  const outcomes = new Set<string>();
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.integer({ min: 1, max: 2 }),
      fc.integer({ min: 0, max: 3 }),
      async (scheduler, removers, headStart) => {
        const id = backupIdAt(daysAgo(40));
        const files = [
          keys.manifest('demo', id),
          keys.object('demo', id, 'cache', 'dump.rdb'),
          keys.verified('demo', id),
        ];
        for (const key of files) await there.storage.write(key, chunked(Buffer.from('x')), { signal: never });
        const seenBy = (who: string): OpenPlace => ({
          ...place,
          storage: scheduled(place.storage, scheduler, who),
        });
        const { environment } = as(run, client);
        // The reader looks three times: with a head start of three, its lease stands before any removal begins.
        const reader = counted(seenBy('reader'), headStart);
        const lease = environment
          .run(async () => await takeLease(reader.place, id))
          .then(
            () => true,
            () => false,
          );
        const removals = Array.from(
          { length: removers },
          async (_, index) =>
            await environment.run(async () => {
              await Promise.race([reader.hasHeadStart, lease]);
              return await removeBackup(seenBy(`remover ${index}`), id);
            }),
        );
        const [leased, ...users] = await scheduler.waitFor(Promise.all([lease, ...removals]));
        const left = await keysUnder(there.storage, keys.backup('demo', id));
        if (leased) {
          expect(left).toEqual(expect.arrayContaining(files));
          expect(users.every((user) => user !== undefined)).toBe(true);
        } else if (users.includes(undefined)) {
          expect(left.filter((key) => files.includes(key))).toEqual([]);
        }
        outcomes.add(leased ? 'leased' : 'refused');
        for (const key of await keysUnder(there.storage, keys.leases('demo', id)))
          await there.storage.remove(key);
        await as(run, client).environment.run(async () => await removeBackup(place, id));
        expect(await keysUnder(there.storage, keys.backup('demo', id))).toEqual([]);
      },
    ),
    { numRuns: 150 },
  );
  // Otherwise the orders that matter were not among those tried.
  expect([...outcomes].sort()).toEqual(['leased', 'refused']);
});
