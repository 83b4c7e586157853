import { afterAll, beforeAll, expect, test } from 'vitest';
import { postgresKind } from '../../src/activities/stores/postgres/index.ts';
import type { SwapRequest, Swapped } from '../../src/activities/stores/contract.ts';
import { type PostgresServer, startPostgres, temporaryDirectory } from '../support/servers.ts';
import {
  backUp,
  type Bench,
  failureOf,
  password,
  perform,
  prepare,
  restored,
  toRestore,
  workOf,
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

const only = async (sql: string, database = 'postgres') =>
  Object.values((await server.psql(sql, database))[0] ?? {})[0];
const commentOf = async (database: string) =>
  await only(`select shobj_description(oid, 'pg_database') from pg_database where datname = '${database}'`);
const allows = async (database: string) =>
  await only(`select datallowconn from pg_database where datname = '${database}'`);

/** A database with one row when it was backed up, two now, and a restored copy beside it. */
async function readyToSwap(database: string, more: Record<string, unknown> = {}): Promise<SwapRequest> {
  await server.psql(`create database ${database}`);
  await server.psql(
    `comment on database ${database} is 'the owner''s words'; create table t (a int); insert into t values (1)`,
    database,
  );
  const made = await backUp(bench, bench.request(database, more));
  await server.psql('insert into t values (2)', database);
  return { ...made, replacement: await restored(toRestore(made)) };
}

test('swapped in under connected clients: they are cut off, the old data is kept and closed, and can be put back', async () => {
  const request = await readyToSwap('busy');
  await server.psql(`alter database busy set work_mem to '5MB'`);
  const client = server.psql('select pg_sleep(60)', 'busy');
  const cut = expect(client).rejects.toThrow(/terminat|closed the connection/);
  await expect
    .poll(async () => await only(`select count(*) from pg_stat_activity where datname = 'busy'`))
    .toBe('1');
  const done = await perform(postgresKind.swap, request, workOf('swap'));
  await cut;
  const { keptAs, until } = done.result;
  expect(keptAs).toMatch(/^busy_replaced_\d{14}$/);
  expect(Date.parse(until) - Date.now()).toBeGreaterThan(6.9 * 86_400_000);
  expect(await only('select count(*) from t', 'busy')).toBe('1');
  expect([await allows('busy'), await allows(keptAs), await allows('busy_restoring')]).toEqual([
    't',
    'f',
    undefined,
  ]);
  expect(done.commands.join('\n')).toContain('RENAME TO');

  // A crash after the rename: the next attempt finds it done.
  expect(await perform(postgresKind.swap, request, workOf('swap'))).toMatchObject({
    performed: false,
    result: done.result,
  });

  const back = { ...request, swapped: done.result };
  expect(await perform(postgresKind.swapBack, back, workOf('undo'))).toMatchObject({
    performed: true,
    result: { restored: true },
  });
  expect(await only('select count(*) from t', 'busy')).toBe('2');
  expect(await only('show work_mem', 'busy')).toBe('5MB');
  expect(await commentOf('busy')).toBe(`the owner's words`);
  expect([await allows('busy'), await allows(keptAs)]).toEqual(['t', undefined]);
  expect(await perform(postgresKind.swapBack, back, workOf('undo'))).toMatchObject({
    performed: false,
    result: { restored: true },
  });

  expect(await perform(postgresKind.discard, request, workOf('discard'))).toMatchObject({
    performed: true,
    result: { removed: true },
  });
  expect(await perform(postgresKind.discard, request, workOf('discard'))).toMatchObject({
    performed: false,
    result: { removed: false },
  });
  expect(await allows('busy_restoring')).toBeUndefined();
  expect(await only('select count(*) from t', 'busy')).toBe('2');
});

test('a crash after the live database was closed: the next attempt swaps; an undo opens it again', async () => {
  const request = await readyToSwap('closed');
  const close = async () => {
    const comment = await commentOf('closed');
    const mark = {
      product: 'durable-runbooks',
      state: 'closing',
      key: 'flow/run/swap',
      database: 'closed',
      comment,
    };
    await server.psql(
      `alter database closed allow_connections false; comment on database closed is '${JSON.stringify(mark).replaceAll("'", "''")}'`,
    );
  };
  await close();
  const swapped: Swapped = { keptAs: 'closed_replaced_20260101000000', until: new Date().toISOString() };
  expect(await perform(postgresKind.swapBack, { ...request, swapped }, workOf('undo'))).toMatchObject({
    result: { restored: true },
  });
  expect([await allows('closed'), await commentOf('closed')]).toEqual(['t', `the owner's words`]);
  expect(await only('select count(*) from t', 'closed')).toBe('2');

  await close();
  const done = await perform(postgresKind.swap, request, workOf('swap'));
  expect(await only('select count(*) from t', 'closed')).toBe('1');
  expect(JSON.parse((await commentOf('closed')) ?? '')).toMatchObject({
    state: 'live',
    comment: `the owner's words`,
    keptAs: done.result.keptAs,
  });
});

test('a swap that cannot be made leaves the live database open and in use', async () => {
  const request = await readyToSwap('blocked');
  await server.psql(`alter system set max_prepared_transactions = 5`);
  await server.stop();
  await server.start();
  await server.psql(`begin; insert into t values (3); prepare transaction 'somebody'`, 'blocked');
  const failure = await failureOf(perform(postgresKind.swap, request, workOf('swap')));
  expect(failure.message).toContain('prepared transaction');
  expect([await allows('blocked'), await commentOf('blocked')]).toEqual(['t', `the owner's words`]);
  await server.psql(`rollback prepared 'somebody'`, 'blocked');
  await perform(postgresKind.swap, request, workOf('swap'));
  expect(await only('select count(*) from t', 'blocked')).toBe('1');
});

test('nothing is swapped in or removed that does not bear our mark', async () => {
  const request = await readyToSwap('marks');
  const mark = await commentOf('marks_restoring');
  for (const comment of [
    `null`,
    `'mine'`,
    `'${(mark ?? '').replace('"loaded"', '"loading"').replaceAll("'", "''")}'`,
  ]) {
    await server.psql(`comment on database marks_restoring is ${comment}`);
    expect(await failureOf(perform(postgresKind.swap, request, workOf('swap')))).toMatchObject({
      type: 'NotOurs',
      nonRetryable: true,
    });
    if (comment.includes('loading')) continue;
    expect(await failureOf(perform(postgresKind.discard, request, workOf('discard')))).toMatchObject({
      type: 'NotOurs',
    });
  }
  expect(await allows('marks')).toBe('t');
  expect(await only('select count(*) from t', 'marks_restoring')).toBe('1');
});

test('kept data goes when its time is over, not sooner, and only what is marked as kept', async () => {
  const first = await readyToSwap('purged', { keepReplaced: '1ms' });
  const { result } = await perform(postgresKind.swap, first, workOf('swap'));
  const longer = await readyToSwap('stays');
  const { result: stays } = await perform(postgresKind.swap, longer, workOf('swap'));
  await server.psql('create database purged_replaced_20200101000000');
  expect(await perform(postgresKind.purgeKept, longer, workOf('purge'))).toMatchObject({
    performed: false,
    result: { removed: [] },
  });
  await expect.poll(() => Date.now() > Date.parse(result.until)).toBe(true);
  expect(await perform(postgresKind.purgeKept, first, workOf('purge'))).toMatchObject({
    result: { removed: [result.keptAs] },
  });
  expect(await allows('purged_replaced_20200101000000')).toBe('t');
  expect(await allows(stays.keptAs)).toBe('f');
  expect(await only('select count(*) from t', 'purged')).toBe('1');
});

test('what a restore left is found by its run where nobody was told its name: half loaded or whole; another run keeps its own', async () => {
  const request = await readyToSwap('nameless');
  const unnamed = { ...request, replacement: { ...request.replacement, name: '' } };
  const stranger = { ...workOf('undo'), call: { plan: false, fence: null, key: 'flow/another/undo-1' } };
  expect(await perform(postgresKind.discard, unnamed, stranger)).toMatchObject({ performed: false });
  expect(await allows('nameless_restoring')).toBeDefined();
  expect(await perform(postgresKind.discard, unnamed, workOf('undo-1'))).toMatchObject({
    performed: true,
    result: { removed: true },
  });
  expect(await allows('nameless_restoring')).toBeUndefined();
  expect(await only('select count(*) from t', 'nameless')).toBe('2');
});

test('a swap whose answer was lost is taken back by the run that made it, and by no other', async () => {
  const request = await readyToSwap('unanswered');
  await perform(postgresKind.swap, request, workOf('swap'));
  const stranger = { ...workOf('undo'), call: { plan: false, fence: null, key: 'flow/another/undo-1' } };
  await perform(postgresKind.swapBack, { ...request, swapped: null }, stranger);
  expect(await only('select count(*) from t', 'unanswered')).toBe('1');
  expect(await perform(postgresKind.swapBack, { ...request, swapped: null }, workOf('undo-1'))).toMatchObject(
    { performed: true, result: { restored: true } },
  );
  expect(await only('select count(*) from t', 'unanswered')).toBe('2');
});
