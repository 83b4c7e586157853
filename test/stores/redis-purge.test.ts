/** Replaced data is removed when its time is over, but never while it may be all there is. */
import { mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { writeMark } from '../../src/activities/stores/redis/directories.ts';
import { redisKind } from '../../src/activities/stores/redis/index.ts';
import { redisStore } from '../../src/inventory/schema/store.ts';
import { temporaryDirectory } from '../support/servers.ts';
import { perform, workOf } from './postgres-support.ts';

test('kept data is not purged while there is no live directory', async () => {
  const base = await temporaryDirectory();
  const [live, kept] = [path.join(base, 'data'), path.join(base, 'data.replaced-20260101T000000Z')];
  await mkdir(kept);
  await writeMark(kept, {
    state: 'kept',
    dataDirectory: live,
    key: 'flow/run/swap',
    backupId: 'shop-manual-20260101T000000Z-00000001',
    takenAt: '2026-01-01T00:00:00.000Z',
    until: '2026-01-02T00:00:00.000Z',
  });
  const spec = redisStore.parse({ type: 'redis', service: 'cache', host: '127.0.0.1', dataDirectory: live });
  const request = { system: 'shop', stateDirectory: path.join(base, 'state'), store: 'cache', spec };
  const purge = async () => (await perform(redisKind.purgeKept, request, workOf('purge'))).result;
  expect(await purge()).toEqual({ removed: [] });
  await mkdir(live);
  expect(await purge()).toEqual({ removed: [kept] });
  expect(await readdir(base)).toEqual(['data']);
});
