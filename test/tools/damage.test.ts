import path from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { run } from '../../tools/lib/run.ts';
import { damageHeapPage, damageIndexPage, silentIndexDamage } from '../support/damage.ts';
import { type PostgresServer, startPostgres, temporaryDirectory } from '../support/servers.ts';

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres({ directory: await temporaryDirectory() });
});

afterAll(async () => {
  await server.stop();
});

/** A database of its own with 20,000 orders, an index over `reference`, and amcheck. */
async function orders(database: string): Promise<(sql: string) => Promise<Record<string, string | null>[]>> {
  await server.psql(`create database ${database}`);
  const sql = async (statements: string) => await server.psql(statements, database);
  await sql(`
    create extension amcheck;
    create table orders (id int primary key, reference text not null, note text);
    insert into orders select n, md5(n::text), repeat('x', 50) from generate_series(1, 20000) n;
    create index orders_reference on orders (reference);
    vacuum analyze orders;
  `);
  return sql;
}

/** Reads the whole table through its index, in order. */
const THROUGH_INDEX = `
  set enable_seqscan = off; set enable_bitmapscan = off; set enable_sort = off;
  select count(distinct reference) as seen from (select reference from orders order by reference) ordered`;

async function dump(database: string): Promise<string> {
  const { host, port, user, password = '' } = server.connection(database);
  const { stdout } = await run(
    path.join(server.binaries, 'pg_dump'),
    ['--data-only', `--host=${host}`, `--port=${port}`, `--username=${user}`, `--dbname=${database}`],
    { env: { PGPASSWORD: password } },
  );
  // These two lines hold a key that is new with every dump.
  return stdout.replaceAll(/^\\(un)?restrict .*$/gm, '');
}

test('a damaged heap page: reads, pg_dump and REINDEX fail, and the rest of the database answers', async () => {
  const sql = await orders('heap');
  expect(await sql('select max(note) from orders')).toEqual([{ max: 'x'.repeat(50) }]);
  const damage = await damageHeapPage(server, { database: 'heap', table: 'orders', block: 5 });
  expect(damage.blocks).toEqual([5]);
  await expect(sql('select max(note) from orders')).rejects.toThrow('invalid page in block 5');
  await expect(dump('heap')).rejects.toThrow('invalid page in block 5');
  await expect(sql('reindex table orders')).rejects.toThrow('invalid page in block 5');
  expect(await sql('select count(*) from pg_class where relname = $$orders$$')).toEqual([{ count: '1' }]);
});

test('damaged index pages: pg_dump is whole, a read through the index fails, REINDEX cures', async () => {
  const sql = await orders('indexed');
  const before = await dump('indexed');
  expect(await sql(THROUGH_INDEX)).toEqual([{ seen: '20000' }]);
  await damageIndexPage(server, { database: 'indexed', index: 'orders_reference' });
  expect(await dump('indexed')).toBe(before);
  await expect(sql(THROUGH_INDEX)).rejects.toThrow(/invalid page in block [3-8]/);
  await sql('reindex index orders_reference');
  expect(await sql(THROUGH_INDEX)).toEqual([{ seen: '20000' }]);
  await sql(`select bt_index_check('orders_reference', true)`);
});

test('silent index damage: answers are wrong, only bt_index_check sees it, REINDEX cures', async () => {
  const sql = await orders('silent');
  await silentIndexDamage(server, {
    database: 'silent',
    index: 'orders_reference',
    change: `update orders set reference = 'changed ' || id where id % 10 = 0`,
  });
  const found = `set enable_seqscan = off; select count(*) from orders where reference = 'changed 10'`;
  expect(await sql(found)).toEqual([{ count: '0' }]);
  expect(await sql(`select count(*) from orders where reference || '' = 'changed 10'`)).toEqual([
    { count: '1' },
  ]);
  await sql(`select bt_index_check('orders_reference', false)`);
  await expect(sql(`select bt_index_check('orders_reference', true)`)).rejects.toThrow(
    'lacks matching index tuple',
  );
  await sql('reindex index orders_reference');
  expect(await sql(found)).toEqual([{ count: '1' }]);
  await sql(`select bt_index_check('orders_reference', true)`);
});

test('a block that is not there is refused, and the server runs again', async () => {
  const sql = await orders('short');
  await expect(
    damageHeapPage(server, { database: 'short', table: 'orders', block: 1_000_000 }),
  ).rejects.toThrow('there is no block 1000000 to damage');
  expect(await sql('select count(*) from orders')).toEqual([{ count: '20000' }]);
  await expect(damageHeapPage(server, { database: 'short', table: 'missing' })).rejects.toThrow(/missing/);
});
