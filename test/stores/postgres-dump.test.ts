import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { keys, postgresContents } from '../../src/activities/backups/manifest.ts';
import { postgresKind } from '../../src/activities/stores/postgres/index.ts';
import type { DumpRequest } from '../../src/activities/stores/contract.ts';
import { liveProcesses } from '../../src/exec/index.ts';
import { backup as backupSchema } from '../../src/inventory/schema/backup.ts';
import { type PostgresServer, startPostgres, temporaryDirectory } from '../support/servers.ts';
import {
  backUp,
  type Bench,
  failureOf,
  newBackupId,
  objectFile,
  password,
  perform,
  prepare,
  restored,
  shop,
  system,
  toRestore,
  workOf,
} from './postgres-support.ts';

const execute = promisify(execFile);
let server: PostgresServer;
let bench: Bench;

beforeAll(async () => {
  const directory = await temporaryDirectory();
  server = await startPostgres({ directory: `${directory}/postgres`, password });
  bench = await prepare(server, `${directory}/work`);
  await server.psql('create database wide');
  // Compresses badly: the dump takes long enough to be disturbed.
  await server.psql(
    `create table wide (id int, body text); alter table wide alter column body set storage external;
     insert into wide select n, (select string_agg(md5(random()::text || n || m), '') from generate_series(1, 250) m) from generate_series(1, 20000) n`,
    'wide',
  );
});

afterAll(async () => {
  await server.stop();
});

const requestOf = (database: string, more: Partial<DumpRequest> = {}): DumpRequest => ({
  ...bench.request(database),
  backup: bench.backup,
  backupId: newBackupId(),
  ...more,
});
const stored = async ({ backupId }: DumpRequest) =>
  await readdir(objectFile(bench, `${system}/${backupId}/database`)).catch(() => []);

test('pg_dump killed in the middle: a failure, no object, nothing left running; the next attempt stores all of it', async () => {
  const request = requestOf('wide');
  const dumping = failureOf(perform(postgresKind.dump, request, workOf('dump')));
  let dumper: number | undefined;
  await expect
    .poll(
      async () => {
        const [row] = await server.psql(
          `select count(*) from pg_stat_activity where query like 'COPY public.wide%'`,
        );
        dumper = childrenOf(process.pid).find((pid) => /pg_dump(?!all)/.test(commandOf(pid)));
        return row?.['count'] === '1' && dumper !== undefined;
      },
      { timeout: 30_000, interval: 5 },
    )
    .toBe(true);
  process.kill(dumper!, 'SIGKILL');
  const failure = await dumping;
  expect(failure.message).toContain('killed by SIGKILL');
  expect(failure.nonRetryable).toBe(false);
  expect(await stored(request)).toEqual([]);
  await expect
    .poll(async () => (await server.psql(`select 1 from pg_stat_activity where datname = 'wide'`)).length)
    .toBe(0);
  const record = (await perform(postgresKind.dump, request, workOf('dump'))).result;
  expect(record.objects[0]?.bytes).toBeGreaterThan(10_000_000);
});

test('a table that cannot be read ends the dump without an object', async () => {
  await server.psql('create database torn');
  await server.psql(
    `create table a (v text); insert into a select repeat('x', 100) from generate_series(1, 20000); create function bad() returns int language sql as 'select 1/0';
    create table z (v int); create view broken as select bad() from z; insert into z values (1); alter table z enable row level security`,
    'torn',
  );
  await server.psql(
    `create role reader login password 'reader' ; grant select on all tables in schema public to reader`,
    'torn',
  );
  process.env['READER_PASSWORD'] = 'reader';
  const request = {
    ...requestOf('torn'),
    spec: bench.request('torn', { user: 'reader', password: 'env:READER_PASSWORD' }).spec,
  };
  const failure = await failureOf(perform(postgresKind.dump, request, workOf('dump')));
  expect(failure).toMatchObject({ type: 'ConfigurationError', nonRetryable: true });
  expect(failure.message).toContain('row-level security');
  expect(await stored(request)).toEqual([]);
});

test('what is counted is what the dump holds, while others write', async () => {
  await server.psql('create database moving');
  await server.psql(
    'create table t (a bigserial, note text); insert into t (note) select md5(n::text) from generate_series(1, 50000) n',
    'moving',
  );
  const writing = new AbortController();
  const writer = (async () => {
    while (!writing.signal.aborted)
      await server.psql(
        `insert into t (note) values ('late'); update t set note = 'changed' where a % 1000 = 1; delete from t where a % 997 = 0`,
        'moving',
      );
  })();
  const made = await backUp(bench, bench.request('moving')).finally(() => writing.abort());
  await writer;
  const request = toRestore(made);
  const replacement = await restored(request);
  expect((await postgresKind.compare({ ...request, replacement }, workOf('compare'))).differences).toEqual(
    [],
  );
});

test('an encrypted backup: nothing of it is readable, and it is restored with the identity', async () => {
  await server.psql('create database secret');
  await server.psql(shop, 'secret');
  const identity = (await execute('age-keygen')).stdout;
  const recipient = /public key: (age1\w+)/.exec(identity)?.[1];
  process.env['TEST_AGE_IDENTITY'] = identity;
  const backup = backupSchema.parse({
    ...bench.backup,
    encryption: { recipients: [recipient], identity: 'env:TEST_AGE_IDENTITY' },
  });
  const made = await backUp(bench, bench.request('secret'), { backup });
  for (const object of made.record.objects) {
    expect(object.encryption).toBe('age');
    const bytes = await readFile(
      objectFile(bench, keys.object(system, made.backupId, 'database', object.name)),
    );
    expect(bytes.subarray(0, 21).toString()).toBe('age-encryption.org/v1');
  }
  const request = toRestore(made);
  const replacement = await restored(request);
  expect((await postgresKind.compare({ ...request, replacement }, workOf('compare'))).differences).toEqual(
    [],
  );
});

test('a human restores with the standard tools alone', async () => {
  await server.psql('create database manual');
  await server.psql(shop, 'manual');
  const made = await backUp(bench, bench.request('manual'));
  const file = objectFile(bench, keys.object(system, made.backupId, 'database', 'data.pgdump.zst'));
  const unpacked = path.join(bench.directory, 'by-hand.pgdump');
  await execute('zstd', ['-d', '-q', '-f', '-o', unpacked, file]);
  await server.psql('create database by_hand');
  await execute(
    path.join(server.binaries, 'pg_restore'),
    ['-h', '127.0.0.1', '-p', String(server.port), '-U', 'postgres', '-d', 'by_hand', unpacked],
    {
      env: { ...process.env, PGPASSWORD: server.password },
    },
  );
  expect(await server.psql('select count(*) from users', 'by_hand')).toEqual([{ count: '5002' }]);
});

test('the password is in no failure, no command and no object', async () => {
  await server.psql('create database quiet');
  const made = await backUp(bench, bench.request('quiet'));
  const seen = await postgresKind.dump.observe({ ...made, backupId: newBackupId() }, workOf('plan'));
  const wrong = { ...requestOf('quiet'), spec: bench.request('missing_database').spec };
  const failure = await failureOf(perform(postgresKind.dump, wrong, workOf('dump')));
  const restore = await postgresKind.restoreBeside.observe(toRestore(made), workOf('plan'));
  const told = [
    JSON.stringify(seen),
    failure.message,
    failure.stack ?? '',
    JSON.stringify(failure.details ?? null),
    JSON.stringify(restore),
  ];
  for (const name of await stored(made))
    told.push(await readFile(objectFile(bench, `${system}/${made.backupId}/database/${name}`), 'latin1'));
  const secrets = [password, Buffer.from(password).toString('base64'), encodeURIComponent(password)];
  for (const text of told) for (const secret of secrets) expect(text).not.toContain(secret);
  expect(told.join()).toContain('pg_dump');
  expect(failure.message).toContain('missing_database');
});

test('half of a dump without its record is stored anew', async () => {
  await server.psql('create database half');
  const request = requestOf('half');
  const { result: record } = await perform(postgresKind.dump, request, workOf('dump'));
  const data = objectFile(bench, keys.object(system, request.backupId, 'database', 'data.pgdump.zst'));
  await writeFile(data, (await readFile(data)).subarray(1));
  const again = await perform(postgresKind.dump, request, workOf('dump'));
  expect(again.performed).toBe(true);
  expect((await readFile(data)).length).toBe(again.result.objects[0]!.bytes);
  expect(
    postgresContents.parse(JSON.parse(await readFile(path.join(path.dirname(data), 'contents.json'), 'utf8')))
      .tables,
  ).toEqual([]);
  expect(record.objects).toHaveLength(3);
});

function childrenOf(parent: number): number[] {
  return liveProcesses()
    .filter((stat) => stat.parent === parent)
    .map((stat) => stat.pid);
}

/** Empty for one that has ended in between. */
function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
  } catch {
    return '';
  }
}
