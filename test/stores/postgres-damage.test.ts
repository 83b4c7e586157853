import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DamageReport } from '../../src/activities/contract.ts';
import {
  captureEvidence,
  classifyDamage,
  rebuildIndexes,
} from '../../src/activities/stores/postgres/index.ts';
import { damageHeapPage, damageIndexPage, silentIndexDamage } from '../support/damage.ts';
import { freePort, type PostgresServer, startPostgres, temporaryDirectory } from '../support/servers.ts';
import { type Bench, failureOf, password, perform, prepare, workOf } from './postgres-support.ts';

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

async function shopNamed(database: string, amcheck = true): Promise<void> {
  await server.psql(`create database ${database}`);
  if (amcheck) await server.psql('create extension amcheck', database);
  await server.psql(
    `create table orders (id int primary key, reference text not null, note text);
     insert into orders select n, md5(n::text), repeat('x', 50) from generate_series(1, 20000) n;
     create index "Orders by reference" on orders (reference);
     create table letters (id int primary key, body text);
     alter table letters alter column body set storage external;
     insert into letters select n, repeat(md5(n::text), 200) from generate_series(1, 300) n;
     create table small (a int);
     vacuum analyze;`,
    database,
  );
}

const classify = async (database: string) =>
  await classifyDamage(bench.request(database), workOf('classify'));
const rebuild = async (database: string, indexes: string[]) =>
  await perform(rebuildIndexes, { ...bench.request(database), indexes }, workOf('reindex'));
const kinds = ({ findings }: DamageReport) => [...new Set(findings.map(({ kind }) => kind))].sort();

test('a healthy database is healthy, without gaps, and its indexes need no rebuilding', async () => {
  await shopNamed('healthy');
  const report = await classify('healthy');
  expect(report).toMatchObject({ verdict: 'healthy', findings: [], indexes: [], checksums: true, gaps: [] });
  expect(report.checkedRelations).toBeGreaterThan(100);
  const again = await rebuild('healthy', ['public."Orders by reference"']);
  expect(again).toMatchObject({ performed: false, result: { rebuilt: [] } });
});

test('a damaged heap page: only a restore cures, and a reindex says so', async () => {
  await shopNamed('heap');
  await damageHeapPage(server, { database: 'heap', table: 'orders', block: 5 });
  expect(await server.psql('select count(*) from small', 'heap')).toEqual([{ count: '0' }]);
  const report = await classify('heap');
  expect(report.verdict).toBe('heap');
  expect(report.indexes).toEqual([]);
  expect(report.findings).toContainEqual({
    relation: 'public.orders',
    kind: 'heap',
    message: expect.stringMatching(/^invalid page in block 5 of relation .*XX001/) as string,
  });
  const failure = await failureOf(rebuild('heap', ['public.orders_pkey']));
  expect(failure).toMatchObject({ type: 'CommandFailed', nonRetryable: true });
  expect(failure.message).toContain('A reindex cannot cure this: restore a backup.');
});

test('damaged index pages: a reindex cures', async () => {
  await shopNamed('pages');
  await damageIndexPage(server, { database: 'pages', index: '"Orders by reference"' });
  const report = await classify('pages');
  expect(report).toMatchObject({ verdict: 'index', indexes: ['public."Orders by reference"'] });
  expect(kinds(report)).toEqual(['index']);
  expect(await rebuild('pages', report.indexes)).toMatchObject({
    performed: true,
    result: { rebuilt: report.indexes },
  });
  expect(await classify('pages')).toMatchObject({ verdict: 'healthy', findings: [] });
  expect(await rebuild('pages', report.indexes)).toMatchObject({ performed: false });
});

test('two damaged relations are both found, and the heap outweighs the index', async () => {
  await shopNamed('twofold');
  await damageIndexPage(server, { database: 'twofold', index: '"Orders by reference"' });
  await damageHeapPage(server, { database: 'twofold', table: 'letters', block: 0 });
  const report = await classify('twofold');
  expect(report.verdict).toBe('heap');
  expect(kinds(report)).toEqual(['heap', 'index']);
});

test('silent damage of an index: seen although every page is whole; a reindex cures', async () => {
  await shopNamed('silent');
  await silentIndexDamage(server, {
    database: 'silent',
    index: '"Orders by reference"',
    change: `update orders set reference = 'changed ' || id where id % 10 = 0`,
  });
  const report = await classify('silent');
  expect(report).toMatchObject({ verdict: 'index', indexes: ['public."Orders by reference"'] });
  expect(report.findings[0]?.message).toContain('lacks matching index tuple');
  await rebuild('silent', report.indexes);
  expect(await classify('silent')).toMatchObject({ verdict: 'healthy' });
  expect(
    await server.psql(
      `set enable_seqscan = off; select count(*) from orders where reference = 'changed 10'`,
      'silent',
    ),
  ).toEqual([{ count: '1' }]);
});

test('a unique index that let duplicates in cannot be rebuilt: restore', async () => {
  await shopNamed('duplicates');
  await silentIndexDamage(server, {
    database: 'duplicates',
    index: 'orders_pkey',
    change: `insert into orders values (20001, 'twice', 'first')`,
  });
  await server.psql(`insert into orders values (20001, 'twice', 'second')`, 'duplicates');
  const report = await classify('duplicates');
  expect(report).toMatchObject({ verdict: 'index', indexes: ['public.orders_pkey'] });
  const failure = await failureOf(rebuild('duplicates', report.indexes));
  expect(failure).toMatchObject({ type: 'CommandFailed', nonRetryable: true });
  expect(failure.message).toContain('rows came in that it should have refused');
  expect(failure.message).toContain('restore a backup');
});

test('long values: damage of their table is not curable, damage of its index is', async () => {
  for (const [database, damaged] of [
    ['toast', 'table'],
    ['toastindex', 'index'],
  ] as const) {
    await shopNamed(database);
    const [row] = await server.psql(
      `select c.reltoastrelid::regclass::text as "table", i.indexrelid::regclass::text as "index" from pg_class c join pg_index i on i.indrelid = c.reltoastrelid where c.oid = 'letters'::regclass`,
      database,
    );
    if (damaged === 'table') await damageHeapPage(server, { database, table: row!['table']!, block: 20 });
    else await damageIndexPage(server, { database, index: row!['index']!, blocks: [1] });
    const report = await classify(database);
    expect(report.verdict, JSON.stringify(report.findings)).toBe(damaged === 'table' ? 'heap' : 'index');
    if (damaged === 'table') expect(kinds(report)).toContain('toast');
    else {
      expect(report.indexes).toEqual([row!['index']]);
      await rebuild(database, report.indexes);
      expect(await classify(database)).toMatchObject({ verdict: 'healthy', findings: [] });
    }
  }
});

test('a damaged system table is the worst', async () => {
  await shopNamed('catalog');
  await damageHeapPage(server, { database: 'catalog', table: 'pg_catalog.pg_description', block: 3 });
  const report = await classify('catalog');
  expect(report.verdict).toBe('catalog');
  expect(report.findings).toContainEqual({
    relation: 'pg_catalog.pg_description',
    kind: 'catalog',
    message: expect.stringContaining('invalid page in block 3') as string,
  });
});

test('without amcheck the report says what it could not see; rows are still read', async () => {
  await shopNamed('bare', false);
  const report = await classify('bare');
  expect(report.verdict).toBe('healthy');
  expect(report.gaps.join(' ')).toContain('amcheck is not installed');
  expect(await server.psql(`select count(*) from pg_extension where extname = 'amcheck'`, 'bare')).toEqual([
    { count: '0' },
  ]);
  await damageHeapPage(server, { database: 'bare', table: 'orders', block: 5 });
  expect(await classify('bare')).toMatchObject({ verdict: 'heap' });
});

test('a server that does not answer says nothing about its data', async () => {
  const request = bench.request('healthy', { port: await freePort() });
  const report = await classifyDamage(request, workOf('classify'));
  expect(report).toMatchObject({ verdict: 'unreachable', findings: [] });
  expect(JSON.stringify(report)).not.toContain(server.password);
});

test('evidence is written once, whole, and its hash is that of the file', async () => {
  await shopNamed('evidence');
  const report = await classify('evidence');
  const request = { ...bench.request('evidence'), report, destination: null, evidence: 'case-1' };
  const first = await perform(captureEvidence, request, workOf('evidence'));
  const text = await readFile(first.result.location, 'utf8');
  expect(JSON.parse(text)).toMatchObject({
    report: { verdict: 'healthy' },
    statistics: { datname: 'evidence' },
    settings: { data_checksums: 'on' },
    relations: expect.arrayContaining([expect.objectContaining({ name: 'public.orders' })]) as unknown,
  });
  const { createHash } = await import('node:crypto');
  expect(first.result.sha256).toBe(createHash('sha256').update(text).digest('hex'));
  const second = await perform(captureEvidence, request, workOf('evidence'));
  expect(second).toMatchObject({ performed: false, result: first.result });
  const stored = await perform(
    captureEvidence,
    { ...request, destination: bench.backup.destination },
    workOf('evidence'),
  );
  expect(stored.result.location).toContain('shop/evidence/case-1.json');
  const lost = {
    ...request,
    evidence: 'case-2',
    spec: bench.request('evidence', { port: await freePort() }).spec,
  };
  const blind = await perform(captureEvidence, lost, workOf('evidence'));
  expect(JSON.parse(await readFile(blind.result.location, 'utf8'))).toMatchObject({
    statistics: { notAvailable: expect.any(String) as string },
  });
});
