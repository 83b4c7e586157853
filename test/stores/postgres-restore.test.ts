import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { keys, postgresContents } from '../../src/activities/backups/manifest.ts';
import { spoolName } from '../../src/activities/stores/scratch.ts';
import { loadingName } from '../../src/activities/stores/postgres/names.ts';
import { postgresKind } from '../../src/activities/stores/postgres/index.ts';
import { parseVersion, readsUntrustedArchives } from '../../src/activities/stores/postgres/versions.ts';
import { run } from '../../tools/lib/run.ts';
import { type PostgresServer, startPostgres, temporaryDirectory } from '../support/servers.ts';
import {
  backUp,
  type Bench,
  failureOf,
  objectFile,
  perform,
  prepare,
  restored,
  password,
  shop,
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

async function shopNamed(database: string): Promise<void> {
  await server.psql(`create database "${database}"`);
  await server.psql(shop, database);
}

const databases = async () =>
  (await server.psql(`select datname from pg_database order by 1`)).map(({ datname }) => datname);

test('a shop with awkward tables: dumped, restored beside, compared equal, and nothing else was touched', async () => {
  await shopNamed('shop');
  const before = await databases();
  const made = await backUp(bench, bench.request('shop'));
  expect(made.record.objects.map(({ name }) => name)).toEqual([
    'data.pgdump.zst',
    'contents.json',
    'globals.sql',
  ]);
  const contents = postgresContents.parse(
    JSON.parse(
      await readFile(
        objectFile(bench, keys.object(system, made.backupId, 'database', 'contents.json')),
        'utf8',
      ),
    ),
  );
  const rowsOf = Object.fromEntries(
    contents.tables.map(({ schema, name, rows }) => [`${schema}.${name}`, rows]),
  );
  expect(rowsOf).toMatchObject({
    'public.users': '5002',
    'public.events_2026': '187',
    'public.weird " name': '2',
    'UPPER.Tâble': '2',
    'public.no_columns': '1',
    'public.parent': '1',
    'public.child': '1',
  });
  expect(Object.keys(rowsOf)).not.toContain('public.events');
  expect(contents.sequences).toContainEqual({ schema: 'public', name: 'downwards', lastValue: '-2' });

  const request = toRestore(made);
  const replacement = await restored(request);
  expect(replacement).toMatchObject({ name: 'shop_restoring', backupId: made.backupId });
  const comparison = await postgresKind.compare({ ...request, replacement }, workOf('compare'));
  expect(comparison).toMatchObject({
    differences: [],
    equal: true,
    compared: contents.tables.length,
    unit: 'tables',
  });
  expect(await databases()).toEqual([...before, 'shop_restoring'].sort());

  // Found done after a crash; and done again for another backup.
  expect(await perform(postgresKind.restoreBeside, request, workOf('restore'))).toMatchObject({
    performed: false,
    result: replacement,
  });
});

test('the same step finds its dump done, and reads no data again', async () => {
  const made = await backUp(bench, bench.request('shop'));
  const again = await perform(postgresKind.dump, made, workOf('dump'));
  expect(again).toMatchObject({ performed: false, result: made.record });
});

test('a row changed, a row lost, a table missing or added in the replacement is told', async () => {
  await shopNamed('changed');
  const request = toRestore(await backUp(bench, bench.request('changed')));
  const replacement = await restored(request);
  const differences = async (sql: string) => {
    await server.psql(sql, replacement.name);
    return (await postgresKind.compare({ ...request, replacement }, workOf('compare'))).differences;
  };
  expect(await differences(`update users set balance = balance + 0.01 where id = 17`)).toEqual([
    'Table public.users has its 5002 rows, but not with the values that were backed up.',
  ]);
  expect(await differences(`update users set balance = balance - 0.01 where id = 17`)).toEqual([]);
  expect(
    await differences(
      `update documents set feeling = case id when 1 then 'sad'::mood else 'happy' end, size = size`,
    ),
  ).toEqual(['Table public.documents has its 300 rows, but not with the values that were backed up.']);
  expect(
    await differences(`update documents set feeling = 'happy'; delete from events where id = 5; drop table total; create table stranger ();
      alter sequence users_id_seq restart`),
  ).toEqual([
    'Table public.events_2025 has 212 rows, and 213 were backed up.',
    'Table public.total is missing (1 rows).',
    'Table public.stranger was not backed up.',
    'Sequence public.users_id_seq stands at its start, and 5002 was backed up.',
  ]);
});

test('swapping values between two rows is seen although each value is still there', async () => {
  await server.psql('create database swapped');
  await server.psql(
    `create table t (a int, b int); insert into t values (1, 2), (3, 4), (null, 5), (6, null)`,
    'swapped',
  );
  const request = toRestore(await backUp(bench, bench.request('swapped')));
  const replacement = await restored(request);
  const equalAfter = async (sql: string) => {
    await server.psql(sql, replacement.name);
    return (await postgresKind.compare({ ...request, replacement }, workOf('compare'))).equal;
  };
  expect(await equalAfter('delete from t where false')).toBe(true);
  expect(await equalAfter('update t set b = case b when 2 then 4 when 4 then 2 else b end')).toBe(false);
  expect(await equalAfter('update t set b = case b when 2 then 4 when 4 then 2 else b end')).toBe(true);
  expect(await equalAfter('update t set a = b, b = a where a = 6 or b = 5')).toBe(false);
});

test('large objects are compared too, holes and all', async () => {
  await server.psql('create database objects');
  await server.psql(
    String.raw`select lo_from_bytea(4711, '\x0102030000'), lo_create(4712); begin; select lo_put(4712, 100000, '\xff'); commit`,
    'objects',
  );
  const request = toRestore(await backUp(bench, bench.request('objects')));
  const replacement = await restored(request);
  const comparison = async () => await postgresKind.compare({ ...request, replacement }, workOf('compare'));
  expect(await comparison()).toMatchObject({ equal: true, compared: 1, rows: '2' });
  await server.psql(String.raw`select lo_put(4712, 100000, '\xfe')`, replacement.name);
  expect((await comparison()).differences).toEqual([
    'Table pg_catalog.pg_largeobject has its 2 rows, but not with the values that were backed up.',
  ]);
});

test('validations of the inventory run on the replacement, and can neither write nor start a program', async () => {
  await server.psql('create database checked');
  await server.psql('create table users (id int); insert into users values (1), (2)', 'checked');
  const validation = (name: string, sql: string, more = {}) => ({ name, sql, ...more });
  const store = bench.request('checked', {
    validations: [
      validation('users', 'select count(*) from users;', { atLeast: 1 }),
      validation('too few', 'select count(*) from users', { atLeast: 3 }),
      validation('writes', 'delete from users returning 1', { equals: 1 }),
      validation('two statements', 'select 1; drop table users', { equals: 1 }),
      validation('leaves the transaction', 'commit', { equals: 1 }),
      validation('shell', '\\! touch /tmp/must-not-exist\nselect 1', { equals: 1 }),
      validation('no number', `select 'many'`),
      validation('no row', 'select 1 where false'),
    ],
  });
  const request = toRestore(await backUp(bench, store));
  const replacement = await restored(request);
  const { equal, validations, differences } = await postgresKind.compare(
    { ...request, replacement },
    workOf('compare'),
  );
  expect(equal).toBe(false);
  expect(validations.map(({ name, ok, value }) => [name, ok, value])).toEqual([
    ['users', true, 2],
    ['too few', false, 2],
    ['writes', false, null],
    ['two statements', false, null],
    ['leaves the transaction', false, null],
    ['shell', false, null],
    ['no number', false, null],
    ['no row', false, null],
  ]);
  expect(differences[0]).toBe('Validation "too few": 2 where at least 3 was expected.');
  expect(await server.psql('select count(*) from users', replacement.name)).toEqual([{ count: '2' }]);
  await expect(readFile('/tmp/must-not-exist')).rejects.toThrow('ENOENT');
});

test('a flipped byte of a stored dump: refused before it is loaded, the live data and the server as they were', async () => {
  await shopNamed('flipped');
  const made = await backUp(bench, bench.request('flipped'));
  const file = objectFile(bench, keys.object(system, made.backupId, 'database', 'data.pgdump.zst'));
  const bytes = await readFile(file);
  bytes[Math.floor(bytes.length / 2)]! ^= 1;
  await writeFile(file, bytes);
  const before = await databases();
  const failure = await failureOf(restored(toRestore(made)));
  expect(failure).toMatchObject({ type: 'BackupDamaged', nonRetryable: true });
  expect(failure.message).toContain('data.pgdump.zst');
  expect(await databases()).toEqual(before);
  expect(await server.psql('select count(*) from users', 'flipped')).toEqual([{ count: '5002' }]);
});

test('a database that has the name of a replacement and no mark of ours is left alone', async () => {
  await shopNamed('theirs');
  const made = await backUp(bench, bench.request('theirs'));
  await server.psql(`create database theirs_restoring`);
  await server.psql('create table precious (a int)', 'theirs_restoring');
  const failure = await failureOf(restored(toRestore(made)));
  expect(failure).toMatchObject({ type: 'NotOurs', nonRetryable: true });
  expect(await server.psql(`select count(*) from precious`, 'theirs_restoring')).toEqual([{ count: '0' }]);
});

test('an unsigned backup is refused by a pg_restore that can be made to run its code', async () => {
  await server.psql('create database unsigned');
  const made = await backUp(bench, bench.request('unsigned'), { backup: bench.unsigned });
  const before = await databases();
  const { stdout } = await run(`${server.binaries}/pg_restore`, ['--version']);
  const version = parseVersion(stdout);
  if (version && readsUntrustedArchives(version)) {
    expect((await restored(toRestore(made, 'drill'))).backupId).toBe(made.backupId);
    return;
  }
  const failure = await failureOf(restored(toRestore(made, 'drill')));
  expect(failure).toMatchObject({ type: 'Unsupported', nonRetryable: true });
  expect(failure.message).toContain('CVE-2026-116314');
  expect(await databases()).toEqual(before);
});

test('a manifest that names another file of the machine is no way to it', async () => {
  await server.psql('create database paths');
  const made = await backUp(bench, bench.request('paths'));
  const [data] = made.record.objects;
  const record = { ...made.record, objects: [{ ...data!, name: '../../../etc/passwd' }] };
  await writeManifest(bench, made, record);
  expect(await failureOf(restored(toRestore(made)))).toMatchObject({ type: 'BackupDamaged' });
});

test('what a crashed attempt left is removed, a pg_restore that still writes into it included', async () => {
  await shopNamed('crashed');
  const made = await backUp(bench, bench.request('crashed'));
  const request = toRestore(made);
  const first = await restored(request, 'crashed-restore');
  // As it is after a crash in the middle: still called after its attempt, marked as being loaded, and somebody at work in it.
  const mark = JSON.parse(
    (
      await server.psql(
        `select shobj_description(oid, 'pg_database') as mark from pg_database where datname = '${first.name}'`,
      )
    )[0]!['mark']!,
  ) as object;
  await server.psql(`alter database crashed_restoring rename to crashed_loading_0badf00d`);
  await server.psql(
    `comment on database crashed_loading_0badf00d is '${JSON.stringify({ ...mark, state: 'loading' })}'`,
  );
  const zombie = server.psql(
    'create table late (a int); select pg_sleep(60); insert into late values (1)',
    'crashed_loading_0badf00d',
  );
  const ended = expect(zombie).rejects.toThrow(/terminat|closed the connection/);
  await expect
    .poll(
      async () =>
        (await server.psql(`select 1 from pg_stat_activity where datname = 'crashed_loading_0badf00d'`))
          .length,
    )
    .toBe(1);
  const replacement = await restored(request, 'crashed-restore');
  await ended;
  expect(await databases()).not.toContain('crashed_loading_0badf00d');
  expect((await postgresKind.compare({ ...request, replacement }, workOf('compare'))).differences).toEqual(
    [],
  );
});

test('a crash between making a database and marking it: the next attempt knows its own, and leaves the others', async () => {
  await shopNamed('unmarked');
  const made = await backUp(bench, bench.request('unmarked'));
  const own = loadingName('unmarked', workOf('unmarked-restore').call.key, 'an attempt that died');
  const strange = loadingName('unmarked', 'another step', 'an attempt that died');
  for (const name of [own, strange]) await server.psql(`create database ${name}`);
  const { commands } = await perform(postgresKind.restoreBeside, toRestore(made), workOf('unmarked-restore'));
  expect(commands.join('\n')).toContain(`DROP DATABASE "${own}"`);
  expect(commands.join('\n')).not.toContain(strange);
  const left = await databases();
  expect(left).not.toContain(own);
  expect(left).toContain(strange);
});

test('a fetch that was cut off goes on where it was, and verifies all of it', async () => {
  await shopNamed('resumed');
  const made = await backUp(bench, bench.request('resumed'));
  const file = objectFile(bench, keys.object(system, made.backupId, 'database', 'data.pgdump.zst'));
  const bytes = await readFile(file);
  const name = spoolName(toRestore(made, 'drill'), workOf('restore'));
  const spool = `${bench.backup.scratchDirectory}/${name}`;
  await mkdir(spool, { mode: 0o700 });
  await writeFile(`${spool}/stored`, bytes.subarray(0, bytes.length - 1000));
  // Were it fetched from the beginning, the damage at the beginning would be found.
  const damaged = Buffer.from(bytes);
  damaged[100]! ^= 1;
  await writeFile(file, damaged);
  const request = toRestore(made, 'drill');
  const replacement = await restored(request);
  expect(replacement.name).toMatch(/^resumed_drill_[0-9a-f]{8}$/);
  expect((await postgresKind.compare({ ...request, replacement }, workOf('compare'))).differences).toEqual(
    [],
  );
  await expect(readFile(`${spool}/stored`)).rejects.toThrow('ENOENT');
});

test('a restore of a database that is gone is like the one that was backed up', async () => {
  await server.psql(
    `create role seller; create database gone owner seller template template0 encoding 'SQL_ASCII' lc_collate 'C' lc_ctype 'C'`,
  );
  await server.psql(
    `alter database gone set search_path to "$user", 'odd "name', public; alter database gone set work_mem to '7MB'; alter role seller in database gone set statement_timeout to '5s';
     revoke connect on database gone from public; grant connect, create on database gone to seller with grant option; comment on database gone is 'the till''s'; create table t (a int)`,
    'gone',
  );
  const facts = async (name: string) =>
    await server.psql(`select encoding, datcollate, datctype, pg_get_userbyid(datdba) as owner, (select array_agg(x::text order by x::text) from unnest(datacl) x) as acl,
      (select array_agg(setrole::regrole::text || setconfig::text order by 1) from pg_db_role_setting s where s.setdatabase = d.oid) as settings from pg_database d where datname = '${name}'`);
  const before = await facts('gone');
  const made = await backUp(bench, bench.request('gone'));
  await server.psql('drop database gone');
  const replacement = await restored(toRestore(made));
  expect(await facts('gone_restoring')).toEqual(before);
  const { result } = await perform(postgresKind.swap, { ...made, replacement }, workOf('swap'));
  expect(result.keptAs).toBe('');
  expect(await facts('gone')).toEqual(before);
});
