/** A backup restored by a person with the standard tools alone: zstd, pg_restore, redis-server. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fingerprint } from '../../demo/shop.ts';
import { run } from '../../tools/lib/run.ts';
import { temporaryDirectory } from '../../tools/lib/directories.ts';
import { type PostgresServer, startPostgres } from '../../tools/servers/postgres.ts';
import { type RedisServer, startRedis } from '../../tools/servers/redis.ts';
import { type Lab, startLab } from '../support/lab.ts';

let lab: Lab;
let place: string;
let byHand: string;
const servers: (PostgresServer | RedisServer)[] = [];

interface Manifest {
  components: { store: string; objects: { name: string; sha256: string }[] }[];
}

beforeAll(async () => {
  lab = await startLab({ name: 'shop' });
  await lab.startWorker();
  await lab.run('startSystem');
  const { output } = await lab.run<{ location: string }>('fullBackup');
  place = path.dirname(output.location);
  byHand = await temporaryDirectory('by-hand-');
});
afterAll(async () => {
  for (const server of servers) await server.stop();
  await lab.stop();
});

it('sha256sum agrees with the manifest', async () => {
  const manifest = JSON.parse(await readFile(path.join(place, 'manifest.json'), 'utf8')) as Manifest;
  const listed = manifest.components.flatMap(({ store, objects }) =>
    objects.map(({ name, sha256 }) => `${sha256}  ${store}/${name}`),
  );
  expect(listed.length).toBeGreaterThanOrEqual(4);
  await run('sha256sum', ['--check', '--strict'], { cwd: place, input: `${listed.join('\n')}\n` });
});

it('openssl accepts the signature with the public key', async () => {
  const file = (name: string) => path.join(place, name);
  const key = path.join(lab.demo.root, 'keys', 'signing.pub.pem');
  const signature = path.join(byHand, 'signature');
  await writeFile(signature, Buffer.from(await readFile(file('manifest.json.sig'), 'utf8'), 'base64'));
  const verify = ['pkeyutl', '-verify', '-pubin', '-inkey', key, '-rawin'];
  const signed = ['-in', file('manifest.json'), '-sigfile', signature];
  expect((await run('openssl', [...verify, ...signed])).stdout).toContain('Verified Successfully');
});

it('zstd and pg_restore bring every row back', async () => {
  const server = await startPostgres({ directory: path.join(byHand, 'postgres') });
  servers.push(server);
  const dump = path.join(byHand, 'shop.pgdump');
  await run('zstd', ['-d', '-q', '-o', dump, '--', path.join(place, 'main', 'data.pgdump.zst')]);
  await run(
    path.join(server.binaries, 'psql'),
    ['-v', 'ON_ERROR_STOP=0', '-f', path.join(place, 'main', 'globals.sql')],
    {
      env: environment(server),
    },
  );
  await run(path.join(server.binaries, 'createdb'), ['--owner', 'shop', 'shop'], {
    env: environment(server),
  });
  await run(path.join(server.binaries, 'pg_restore'), ['--exit-on-error', '--dbname', 'shop', '--', dump], {
    env: environment(server),
  });
  const restored = await fingerprint({
    ...lab.demo,
    psql: (sql, database = 'shop') => server.psql(sql, database),
  });
  expect(restored.size).toBe(5);
  expect(restored).toEqual(await fingerprint(lab.demo));
});

it('zstd and redis-server bring every key back', async () => {
  const directory = path.join(byHand, 'redis');
  await mkdir(directory);
  await run('zstd', [
    '-d',
    '-q',
    '-o',
    path.join(directory, 'dump.rdb'),
    '--',
    path.join(place, 'cache', 'data.rdb.zst'),
  ]);
  const server = await startRedis({ directory });
  servers.push(server);
  expect(await server.cli('DBSIZE')).toBe(await lab.demo.redis('DBSIZE'));
  for (const command of [
    ['GET', 'orders:placed'],
    ['GET', 'session:17'],
    ['LRANGE', 'recent', '0', '-1'],
    ['ZRANGE', 'bestsellers', '0', '-1', 'WITHSCORES'],
    ['HGET', 'product:3', 'views'],
    ['PEXPIRETIME', 'session:17'],
  ] as [string, ...string[]][]) {
    expect(await server.cli(...command)).toBe(await lab.demo.redis(...command));
  }
});

function environment(server: PostgresServer): Record<string, string> {
  return {
    PGHOST: server.host,
    PGPORT: String(server.port),
    PGUSER: server.user,
    PGPASSWORD: server.password,
    PGDATABASE: 'postgres',
  };
}
