/** What goes on around a dump, a look for damage and a purge: attempts that were taken for dead, locks, tables that go. */
import { randomUUID } from 'node:crypto';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { keys } from '../../src/activities/backups/manifest.ts';
import { classifyDamage, postgresKind } from '../../src/activities/stores/postgres/index.ts';
import { openClient } from '../../src/activities/stores/postgres/client.ts';
import { dumpSettings } from '../../src/activities/stores/postgres/dump.ts';
import { commentOn, stamped } from '../../src/activities/stores/postgres/marks.ts';
import { askedIn, listTables } from '../../src/activities/stores/postgres/tables.ts';
import type { DumpRequest } from '../../src/activities/stores/contract.ts';
import { sha256 } from '../storage/support.ts';
import { type PostgresServer, startPostgres, temporaryDirectory } from '../support/servers.ts';
import {
  type Bench,
  failureOf,
  newBackupId,
  objectFile,
  password,
  perform,
  prepare,
  restored,
  system,
  toRestore,
  workOf,
  writeManifest,
} from './postgres-support.ts';

let server: PostgresServer;
let bench: Bench;

beforeAll(async () => {
  const directory = await temporaryDirectory();
  server = await startPostgres({ directory: `${directory}/postgres`, password });
  bench = await prepare(server, `${directory}/work`);
});

afterAll(async () => {
  await server.stop();
});

async function made(database: string, sql: string): Promise<DumpRequest> {
  await server.psql(`create database ${database}`);
  await server.psql(sql, database);
  return { ...bench.request(database), backup: bench.backup, backupId: newBackupId() };
}

async function hashes({ backupId }: DumpRequest): Promise<Record<string, string>> {
  const directory = objectFile(bench, keys.object(system, backupId, 'database', ''));
  const entries = await readdir(directory);
  const found = entries.map(async (name) => [name, sha256(await readFile(path.join(directory, name)))]);
  return Object.fromEntries((await Promise.all(found)) as [string, string][]);
}

test('an attempt that was taken for dead wakes up after its successor: nothing of the backup is removed', async () => {
  const request = await made('woken', 'create table t as select generate_series(1, 1000) as id');
  const { result: record } = await perform(postgresKind.dump, request, workOf('dump'));
  await writeManifest(bench, request, record);
  const before = await hashes(request);
  // It had observed that there was nothing yet, and acts now.
  expect(await postgresKind.dump.act(request, workOf('dump'))).toEqual(record);
  expect(await hashes(request)).toEqual(before);
});

test('a finished backup is not touched even where its record says something else', async () => {
  const request = await made('finished', 'create table t as select generate_series(1, 1000) as id');
  const { result: record } = await perform(postgresKind.dump, request, workOf('dump'));
  await writeManifest(bench, request, record);
  await rm(objectFile(bench, keys.object(system, request.backupId, 'database', 'record.json')));
  const before = await hashes(request);
  const failure = await failureOf(postgresKind.dump.act(request, workOf('dump')));
  expect(failure).toMatchObject({ type: 'ObjectExists', nonRetryable: true });
  expect(await hashes(request)).toEqual(before);
});

test('a session whose answer is not wanted any more ends at once, not when the answer is there', async () => {
  const request = await made('slow', 'create table t as select 1 as id');
  const session = (await openClient(request, randomUUID())).session('slow', new AbortController().signal);
  await session.ask('SELECT 1');
  const asking = failureOf(session.ask('SELECT pg_sleep(3600)'));
  await session.close();
  expect((await asking).message).toContain('not wanted any more');
});

test('a backup does not wait for ever for whoever has locked a table', async () => {
  const request = await made('locked', 'create table held as select 1 as id');
  const client = await openClient(request, randomUUID());
  const holder = client.session('locked', new AbortController().signal);
  try {
    await holder.ask('BEGIN; LOCK TABLE public.held IN ACCESS EXCLUSIVE MODE');
    const session = client.session('locked', new AbortController().signal, {
      settings: { ...dumpSettings, lock_timeout: '500' },
    });
    const failure = await failureOf(listTables(askedIn(session)));
    expect(failure).toMatchObject({ type: 'NotReady', nonRetryable: false });
    expect(failure.message).toContain('pg_stat_activity');
    await session.close();
    expect(dumpSettings['lock_timeout']).toBe('300000');
  } finally {
    await holder.close();
  }
});

test('a table that is dropped while it is looked at is a gap, not damage', async () => {
  const request = await made(
    'dropping',
    `create extension amcheck;
     create table stays as select generate_series(1, 1000) as id;
     create table goes (id int primary key);
     insert into goes select generate_series(1, 50000);`,
  );
  const holder = (await openClient(request, randomUUID())).session('dropping', new AbortController().signal);
  try {
    await holder.ask('BEGIN; DROP TABLE public.goes');
    const looking = classifyDamage(request, workOf('classify'));
    await expect
      .poll(
        async () =>
          await server.psql(
            `select count(*)::int from pg_stat_activity where datname = 'dropping' and wait_event_type = 'Lock'`,
          ),
        { timeout: 30_000 },
      )
      .toEqual([{ count: expect.not.stringMatching(/^0$/) as string }]);
    await holder.ask('COMMIT');
    const report = await looking;
    expect(report).toMatchObject({ verdict: 'healthy', findings: [], indexes: [] });
    expect(report.gaps.join(' ')).toContain('goes');
  } finally {
    await holder.close();
  }
});

test('kept data is not purged while there is no live database', async () => {
  const request = await made('purged', 'create table t as select 1 as id');
  const kept = 'purged_replaced_20260101000000';
  await server.psql(`alter database purged rename to ${kept}`);
  const mark = stamped({
    state: 'kept',
    key: 'flow/run/swap',
    database: 'purged',
    until: '2026-01-02T00:00:00.000Z',
    comment: null,
  });
  await server.psql(commentOn(kept, mark));
  const purge = async () => (await perform(postgresKind.purgeKept, request, workOf('purge'))).result;
  expect(await purge()).toEqual({ removed: [] });
  await server.psql('create database purged');
  expect(await purge()).toEqual({ removed: [kept] });
});

test('contents of a newer form are refused in words that blame the worker, not the backup; without a form they are read', async () => {
  const request = await made('formed', 'create table t as select generate_series(1, 10) as id');
  const { result: record } = await perform(postgresKind.dump, request, workOf('dump'));
  const file = objectFile(bench, keys.object(system, request.backupId, 'database', 'contents.json'));
  const contents = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
  expect(contents['format']).toBe('durable-runbooks/contents/1');
  const { format: _format, ...unnamed } = contents;
  const compared = async (written: unknown) => {
    const bytes = Buffer.from(JSON.stringify(written));
    await writeFile(file, bytes);
    const objects = record.objects.map((object) =>
      object.name === 'contents.json' ? { ...object, bytes: bytes.length, sha256: sha256(bytes) } : object,
    );
    await writeManifest(bench, request, { ...record, objects });
    const replacement = await restored(toRestore(request));
    return await postgresKind.compare({ ...toRestore(request), replacement }, workOf('compare'));
  };
  expect(await compared(unnamed)).toMatchObject({ equal: true });
  const newer = await failureOf(
    compared({ ...contents, format: 'durable-runbooks/contents/2', tables: 'elsewhere' }),
  );
  expect(newer).toMatchObject({ type: 'Unsupported', nonRetryable: true });
  expect(newer.message).toContain('durable-runbooks/contents/2');
  const nonsense = await failureOf(compared({ ...contents, format: 'something else' }));
  expect(nonsense.type).toBe('BackupDamaged');
});
