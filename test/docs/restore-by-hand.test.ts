/**
 * The page that tells how to restore without us, followed to the letter: its own commands, on a backup of a real PostgreSQL
 * and a real Redis, without a line of ours.
 */
import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createBackupActivities } from '../../src/activities/backups/index.ts';
import { createStoreActivities } from '../../src/activities/stores/index.ts';
import { backup as backupSchema } from '../../src/inventory/schema/backup.ts';
import { postgresStore, redisStore } from '../../src/inventory/schema/store.ts';
import { blocksOf } from '../../tools/docs/blocks.ts';
import { freePort, type PostgresServer, startPostgres, temporaryDirectory } from '../support/servers.ts';

const execute = promisify(execFile);
const page = await readFile(new URL('../../docs/restore-by-hand.md', import.meta.url), 'utf8');
const parts = new Map(
  blocksOf('docs/restore-by-hand.md', page).flatMap(({ words, text }) => {
    const name = words.find((word) => word.startsWith('by-hand='))?.slice('by-hand='.length);
    return name === undefined ? [] : [[name, text] as const];
  }),
);

const environment = new MockActivityEnvironment();
const stores = createStoreActivities();
const backups = createBackupActivities();
const orders = 3000;
const keys = 2000;
let base: string;
let postgres: PostgresServer;
let settings: Record<string, string>;
const redisPorts: number[] = [];

/** Runs parts of the page in one shell, with this test's settings instead of the page's. */
async function follow(...names: string[]): Promise<string> {
  const script = names.map((name) => {
    const text = parts.get(name);
    if (text === undefined) throw new Error(`the page has no part ${name}`);
    return text;
  });
  const { stdout } = await execute('bash', ['-euo', 'pipefail', '-c', script.join('\n')], {
    env: { ...process.env, ...settings, PATH: `${postgres.binaries}:${process.env['PATH'] ?? ''}` },
  });
  return stdout;
}

async function startRedis(name: string, appendonly: 'yes' | 'no') {
  const port = await freePort();
  redisPorts.push(port);
  const data = path.join(base, name);
  await mkdir(data);
  const conf = path.join(base, `${name}.conf`);
  await writeFile(
    conf,
    `bind 127.0.0.1\nport ${port}\ndir "${data}"\nappendonly ${appendonly}\nsave ""\nrepl-diskless-sync-delay 0\nlogfile "${data}.log"\n`,
  );
  await execute('redis-server', [conf, '--daemonize', 'yes']);
  await expect.poll(() => cli(port, 'ping').catch(() => ''), { timeout: 20_000 }).toBe('PONG');
  return { port, data, conf };
}

async function cli(port: number, ...words: string[]): Promise<string> {
  return (await execute('redis-cli', ['-p', String(port), ...words])).stdout.trim();
}

/** A backup as the activities of a full backup make it; the directory it lies in. */
async function backUp(name: string, redis: { port: number; data: string }, more: Record<string, unknown>) {
  const policy = backupSchema.parse({
    destination: { type: 'filesystem', directory: path.join(base, 'backups') },
    components: ['main', 'cache'],
    scratchDirectory: path.join(base, 'scratch'),
    ...more,
  });
  const id = `${name}-manual-20260102T030405Z-0a1b2c3d`;
  const common = { system: name, stateDirectory: path.join(base, 'state'), backup: policy, backupId: id };
  const specs = {
    main: postgresStore.parse({
      type: 'postgres',
      service: 'postgres',
      ...{ host: '127.0.0.1', port: postgres.port, user: 'postgres', database: 'shop' },
      password: 'env:BY_HAND_PASSWORD',
    }),
    cache: redisStore.parse({
      type: 'redis',
      service: 'redis',
      ...{ host: '127.0.0.1', port: redis.port, dataDirectory: redis.data },
    }),
  };
  const call = (step: string) => ({ plan: false, fence: null, key: `${name}/run/${step}` });
  const components: unknown[] = [];
  for (const [store, spec] of Object.entries(specs)) {
    const request = { ...common, store, spec };
    const done = await as(stores.dumpStore, request, call(`dump-${store}`));
    components.push(done.result);
  }
  const startedAt = new Date().toISOString();
  const place = { system: name, backup: policy, id };
  await as(backups.writeManifest, { ...place, kind: 'manual', startedAt, components }, call('manifest'));
  return path.join(base, 'backups', name, id);
}

async function as<Result>(
  activity: (...args: never[]) => Promise<Result>,
  ...args: unknown[]
): Promise<Result> {
  return await environment.run(activity as (...args: unknown[]) => Promise<Result>, ...args);
}

beforeAll(async () => {
  base = await temporaryDirectory();
  await mkdir(path.join(base, 'backups'));
  postgres = await startPostgres({ directory: path.join(base, 'postgres') });
  process.env['BY_HAND_PASSWORD'] = postgres.password;
  await postgres.psql("create role clerk login password 'clerk'");
  await postgres.psql('create database shop owner clerk');
  await postgres.psql(
    `create table orders (id int primary key, reference text not null);
     insert into orders select n, md5(n::text) from generate_series(1, ${orders}) n;
     create table "odd ""name" (v text); insert into "odd ""name" values ('é'), (null);
     alter table orders owner to clerk; create index on orders (reference)`,
    'shop',
  );
  settings = {
    PGHOST: '127.0.0.1',
    PGPORT: String(postgres.port),
    PGUSER: 'postgres',
    PGPASSWORD: postgres.password,
    DATABASE: 'shop',
  };
});

afterAll(async () => {
  for (const port of redisPorts) await cli(port, 'shutdown', 'nosave').catch(() => undefined);
  await postgres.stop();
});

async function fill(port: number): Promise<void> {
  await cli(port, 'eval', `for n = 1, ${keys} do redis.call('set', 'key:' .. n, n * 7) end`, '0');
}

describe.each(['yes', 'no'] as const)('a plain, signed backup, Redis with appendonly %s', (appendonly) => {
  test('comes back with the commands of the page, row for row', async () => {
    const redis = await startRedis(`data-${appendonly}`, appendonly);
    await fill(redis.port);
    const key = path.join(base, `signing-${appendonly}.pem`);
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    await writeFile(key, privateKey.export({ type: 'pkcs8', format: 'pem' }));
    await writeFile(`${key}.pub`, publicKey.export({ type: 'spki', format: 'pem' }));
    const directory = await backUp(`by-hand-${appendonly}`, redis, {
      signing: { privateKey: `file:${key}`, trustedKeys: [`${key}.pub`] },
    });
    const work = path.join(base, `work-${appendonly}`);
    await mkdir(work);
    Object.assign(settings, {
      BACKUP: directory,
      PUBLIC_KEY: `${key}.pub`,
      WORK: work,
      REDIS_CONF: redis.conf,
      REDIS_DATA: redis.data,
      REDIS_PORT: String(redis.port),
    });
    // What is lost after the backup, and must be there again.
    const before = await postgres.psql(
      'select md5(string_agg(t::text, $$,$$ order by id)) from orders t',
      'shop',
    );
    await postgres.psql('delete from orders where id % 2 = 0', 'shop');
    await cli(redis.port, 'flushall');

    expect(await follow('signature')).toContain('Signature Verified Successfully');
    const hashes = await follow('hashes');
    expect(hashes.match(/^whole: /gm)).toHaveLength(4);
    expect(hashes).not.toContain('DAMAGED');

    await follow('unpack', 'roles', 'postgres');
    const counted = await follow('count');
    expect(counted).toContain(`public.orders ${orders}\n`);
    expect(counted).toContain('public.odd "name 2\n');
    await follow('swap');
    expect(
      await postgres.psql('select md5(string_agg(t::text, $$,$$ order by id)) from orders t', 'shop'),
    ).toEqual(before);
    expect(
      await postgres.psql("select tableowner from pg_tables where tablename = 'orders'", 'shop'),
    ).toEqual([{ tableowner: 'clerk' }]);
    expect(await postgres.psql('select count(*) from orders', 'shop_replaced')).toEqual([
      { count: String(orders / 2) },
    ]);
    await postgres.psql('drop database shop_replaced');

    await follow('redis-stop', appendonly === 'yes' ? 'redis-aof' : 'redis-rdb', 'redis-start');
    expect(await cli(redis.port, 'dbsize')).toBe(String(keys));
    expect(await cli(redis.port, 'get', `key:${keys}`)).toBe(String(keys * 7));
    expect(await cli(redis.port, 'config', 'get', 'appendonly')).toBe(`appendonly\n${appendonly}`);
  });
});

test('every variable the commands use is among the settings of the page', () => {
  const set = parts.get('settings') ?? '';
  for (const [name, text] of parts) {
    for (const [, variable = ''] of text.matchAll(/\$\{?([A-Z_]+)/g))
      expect(set, `${name} uses ${variable}`).toMatch(new RegExp(`(?:^|\\s)${variable}=`));
  }
});

test('with appendonly yes a lone dump.rdb is ignored, as the page warns', async () => {
  const redis = await startRedis('data-lone', 'yes');
  await fill(redis.port);
  Object.assign(settings, {
    WORK: path.join(base, 'work-yes'),
    REDIS_CONF: redis.conf,
    REDIS_DATA: redis.data,
    REDIS_PORT: String(redis.port),
  });
  await follow('redis-stop', 'redis-rdb', 'redis-start');
  expect(await cli(redis.port, 'dbsize')).toBe('0');
});

test('a flipped byte is found by the hashes, and an edited manifest by the signature', async () => {
  const original = path.join(base, 'backups', 'by-hand-yes', 'by-hand-yes-manual-20260102T030405Z-0a1b2c3d');
  const copy = path.join(base, 'tampered');
  await cp(original, copy, { recursive: true });
  const file = path.join(copy, 'main', 'data.pgdump.zst');
  const bytes = await readFile(file);
  const middle = Math.floor(bytes.length / 2);
  bytes.writeUInt8(bytes.readUInt8(middle) ^ 1, middle);
  await writeFile(file, bytes);
  Object.assign(settings, { BACKUP: copy, PUBLIC_KEY: path.join(base, 'signing-yes.pem.pub') });
  expect(await follow('hashes')).toContain(`DAMAGED: ${file}`);

  const manifest = path.join(copy, 'manifest.json');
  await writeFile(manifest, (await readFile(manifest, 'utf8')).replace('"manual"', '"weekly"'));
  await expect(follow('signature')).rejects.toMatchObject({ code: 1 });
});

test('an encrypted backup is unpacked with age and the identity', async () => {
  const redis = await startRedis('data-encrypted', 'no');
  await fill(redis.port);
  const identity = path.join(base, 'identity.txt');
  await execute('age-keygen', ['-o', identity]);
  const recipient = (await execute('age-keygen', ['-y', identity])).stdout.trim();
  const directory = await backUp('by-hand-age', redis, { encryption: { recipients: [recipient] } });
  const work = path.join(base, 'work-age');
  await mkdir(work);
  Object.assign(settings, { BACKUP: directory, WORK: work, IDENTITY: identity, DATABASE: 'secret' });
  expect(await follow('hashes')).not.toContain('DAMAGED');
  await follow('decrypt', 'postgres');
  expect(await postgres.psql('select count(*) from orders', 'secret_by_hand')).toEqual([
    { count: String(orders) },
  ]);
  await execute('redis-check-rdb', [path.join(work, 'dump.rdb')]);
});
