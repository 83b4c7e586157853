/** A backup in a bucket, from the dump to the data in use again, and two drills of it at the same time. */
import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { keys } from '../../src/activities/backups/manifest.ts';
import { postgresKind } from '../../src/activities/stores/postgres/index.ts';
import type { DumpRequest, RestoreRequest } from '../../src/activities/stores/contract.ts';
import { signBytes } from '../../src/activities/backups/sign.ts';
import { chunked, type Ground, ground, never } from '../storage/support.ts';
import { type PostgresServer, startPostgres, temporaryDirectory } from '../support/servers.ts';
import {
  type Bench,
  newBackupId,
  password,
  perform,
  prepare,
  shop,
  system,
  toRestore,
  workOf,
} from './postgres-support.ts';

let server: PostgresServer;
let bench: Bench;
let there: Ground;

beforeAll(async () => {
  const directory = await temporaryDirectory();
  server = await startPostgres({ directory: `${directory}/postgres`, password });
  bench = await prepare(server, `${directory}/work`);
  there = await ground('s3');
});

afterAll(async () => {
  await server.stop();
});

/** A signed backup of a new shop, in the bucket. */
async function backedUp(database: string): Promise<DumpRequest> {
  await server.psql(`create database ${database}`);
  await server.psql(shop, database);
  const backup = { ...bench.backup, destination: there.destination };
  const request: DumpRequest = { ...bench.request(database), backup, backupId: newBackupId() };
  const { result: record } = await perform(postgresKind.dump, request, workOf('dump'));
  const at = new Date().toISOString();
  const bytes = Buffer.from(
    JSON.stringify({
      format: 'durable-runbooks/backup/1',
      id: request.backupId,
      system,
      kind: 'manual',
      startedAt: at,
      finishedAt: at,
      run: { workflowId: 'flow', runId: 'run' },
      tools: {},
      components: [record],
    }),
  );
  const signature = Buffer.from(signBytes(bytes, bench.privateKey));
  await there.storage.write(keys.signature(system, request.backupId), chunked(signature), { signal: never });
  await there.storage.write(keys.manifest(system, request.backupId), chunked(bytes), { signal: never });
  return request;
}

async function compared(request: RestoreRequest, step: string) {
  const work = workOf(step);
  const { result: replacement } = await perform(postgresKind.restoreBeside, request, work);
  return { replacement, comparison: await postgresKind.compare({ ...request, replacement }, work) };
}

test('is restored beside, equal, and swapped in', async () => {
  const request = await backedUp('bucket');
  await server.psql('delete from users', 'bucket');
  const restore = toRestore(request);
  const { replacement, comparison } = await compared(restore, 'restore');
  expect(comparison).toMatchObject({ equal: true, differences: [] });
  await perform(postgresKind.swap, { ...restore, replacement }, workOf('swap'));
  expect(await server.psql('select count(*) from users', 'bucket')).toEqual([{ count: '5002' }]);
});

test('one changed byte in the bucket is found before a byte is loaded', async () => {
  const request = await backedUp('changed');
  const file = there.fileOf(keys.object(system, request.backupId, 'database', 'data.pgdump.zst'));
  await writeFile(file, Buffer.from('x'), { flag: 'r+' });
  await expect(compared(toRestore(request), 'restore')).rejects.toMatchObject({ type: 'BackupDamaged' });
  expect(await server.psql('select count(*) from users', 'changed')).toEqual([{ count: '5002' }]);
});

test('two drills of one backup at the same time do not take each other’s bytes away', async () => {
  const request = await backedUp('drilled');
  const drills = await Promise.all(
    ['one', 'two', 'three'].map(async (step) => await compared(toRestore(request, 'drill'), step)),
  );
  expect(new Set(drills.map(({ replacement }) => replacement.name)).size).toBe(3);
  for (const { comparison } of drills) expect(comparison).toMatchObject({ equal: true, differences: [] });
});
