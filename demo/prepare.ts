/**
 * Prepares the demonstration: keys, a PostgreSQL cluster and a Redis with the shop's data, links to the programs, and the
 * inventory. It starts nothing that stays: starting the shop is a runbook.
 *
 *   node demo/prepare.ts [--scale=1]
 */
import { generateKeyPairSync } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, realpath, rm, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { assertReachable } from '../tools/lib/directories.ts';
import { onPath } from '../tools/lib/find.ts';
import { psql, type Row } from '../tools/lib/psql.ts';
import { run } from '../tools/lib/run.ts';
import { unprivilegedUser } from '../tools/lib/users.ts';
import { ensure } from '../tools/setup.ts';
import { placeCluster, type Say } from './prepare/cluster.ts';
import { deriveInventory, type Ports, type S3Place, usualPorts } from './prepare/inventory.ts';
import { stopLeftovers } from './prepare/leftovers.ts';
import { placeRedis } from './prepare/redis.ts';

export type { Ports, S3Place } from './prepare/inventory.ts';

export interface PrepareOptions {
  /** Where everything goes; emptied first if it is a demonstration's. Default: `.demo` in the checkout. */
  root?: string;
  /** The system's name, for several at once. Default `demo`. */
  name?: string;
  /** 1: about 400 MB of rows. 0.01: about 4 MB, for tests. */
  scale?: number;
  /** Back up to this S3 server instead of a directory. The bucket must exist. */
  s3?: S3Place;
  ports?: Partial<Ports>;
  say?: Say;
}

export interface PreparedDemo {
  /** May differ from what was asked for, when PostgreSQL's account cannot enter that. */
  root: string;
  name: string;
  /** Of inventories, this system's among them. */
  systemsDirectory: string;
  inventoryFile: string;
  stateDirectory: string;
  backupsDirectory: string;
  ports: Ports;
  /** SQL as superuser, while PostgreSQL runs. Default database: shop. */
  psql(sql: string, database?: string): Promise<Row[]>;
  /** One Redis command, while Redis runs; what redis-cli prints. */
  redis(...command: string[]): Promise<string>;
  /** Ends every program of this shop that still runs, however it was started; says which. */
  stopAll(): Promise<string[]>;
}

const checkout = path.dirname(import.meta.dirname);
const marker = '.durable-runbooks-demo';

/** Makes a fresh demonstration. The first time at a scale takes as long as its rows; later ones are a copy. */
export async function prepareDemo(options: PrepareOptions = {}): Promise<PreparedDemo> {
  const { name = 'demo', scale = 1, say = () => undefined } = options;
  const ports = { ...usualPorts, ...options.ports };
  const started = performance.now();
  const wanted = path.resolve(options.root ?? path.join(checkout, '.demo'));
  const root = await emptyRoot(await reachable(wanted, say), say);
  for (const directory of ['bin', 'keys', 'logs', 'state', 'backups', 'scratch']) {
    await mkdir(path.join(root, directory), { mode: 0o700 });
  }
  await chmod(path.join(root, 'bin'), 0o755);

  const binaries = await ensure('postgres');
  say('keys and links');
  await link(root, binaries);
  await writeSigningKeys(root);
  say('PostgreSQL with the shop');
  const cluster = await placeCluster({ root, port: ports.postgres, scale, binaries, say });
  say('Redis with sessions and counters');
  await placeRedis({ root, port: ports.redis, scale });

  const original = path.join(checkout, 'systems', 'demo.yaml');
  const isUsual =
    root === path.join(checkout, '.demo') &&
    name === 'demo' &&
    options.s3 === undefined &&
    Object.entries(usualPorts).every(([program, port]) => ports[program as keyof Ports] === port);
  const inventoryFile = isUsual
    ? original
    : await deriveInventory({ original, root, name, ports, s3: options.s3 });
  say(`ready after ${((performance.now() - started) / 1000).toFixed(1)} s: ${inventoryFile}`);

  const password = (await readFile(cluster.passwordFiles.postgres, 'utf8')).trim();
  return {
    root,
    name,
    systemsDirectory: path.dirname(inventoryFile),
    inventoryFile,
    stateDirectory: path.join(root, 'state'),
    backupsDirectory: path.join(root, 'backups'),
    ports,
    psql: async (sql, database = 'shop') =>
      await psql(
        {
          ...{ host: '127.0.0.1', port: ports.postgres, user: 'postgres', password, database },
          psql: path.join(binaries, 'psql'),
        },
        sql,
      ),
    redis: async (...command) => {
      const { stdout } = await run('redis-cli', [
        '-e',
        '-h',
        '127.0.0.1',
        '-p',
        String(ports.redis),
        ...command,
      ]);
      return stdout.replace(/\n$/, '');
    },
    stopAll: async () => await stopLeftovers(root),
  };
}

/** As root, PostgreSQL runs under an account of its own, which must be able to enter the directory: a home often is closed. */
async function reachable(wanted: string, say: Say): Promise<string> {
  const user = await unprivilegedUser('postgres');
  if (!user) return wanted;
  await mkdir(path.dirname(wanted), { recursive: true });
  try {
    await assertReachable(wanted, user.name, user.uid);
    return wanted;
  } catch {
    const instead = path.join('/var/tmp', `durable-runbooks-demo${wanted.replaceAll(/[^A-Za-z0-9]+/g, '-')}`);
    say(`the account ${user.name} cannot enter ${wanted}: the demonstration goes to ${instead}`);
    return instead;
  }
}

async function emptyRoot(root: string, say: Say): Promise<string> {
  const entries = await stat(path.join(root, marker)).catch(() => undefined);
  if (entries) {
    const stopped = await stopLeftovers(await realpath(root));
    if (stopped.length > 0) say(`ended what an earlier demonstration left running: ${stopped.join(', ')}`);
    await rm(root, { recursive: true, force: true });
  }
  await mkdir(root, { recursive: true });
  await chmod(root, 0o711);
  // Fails when the directory holds something else: it is not ours to empty.
  const others = await readdir(root);
  if (others.length > 0) {
    throw new Error(
      `${root} is not empty and not a demonstration's directory (it holds ${others[0] ?? ''}). Give another.`,
    );
  }
  await writeFile(path.join(root, marker), 'Made by demo/prepare.ts, which empties this directory.\n');
  return await realpath(root);
}

/** The inventory names programs by these links, since every machine keeps them elsewhere. */
async function link(root: string, postgresBinaries: string): Promise<void> {
  const redisServer = await ensure('redis');
  const targets = {
    postgres: path.join(postgresBinaries, 'postgres'),
    'redis-server': redisServer,
    node: process.execPath,
  };
  for (const [name, target] of Object.entries(targets)) await symlink(target, path.join(root, 'bin', name));
  await symlink(path.join(checkout, 'demo', 'system'), path.join(root, 'programs'));
  if (onPath('redis-cli') === undefined)
    throw new Error('redis-cli is missing on the PATH: it comes with Redis');
}

async function writeSigningKeys(root: string): Promise<void> {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const file = (name: string) => path.join(root, 'keys', name);
  await writeFile(file('signing.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  await writeFile(file('signing.pub.pem'), publicKey.export({ type: 'spki', format: 'pem' }));
}

if (import.meta.main) {
  const scale = Number(/^--scale=(.+)$/.exec(process.argv[2] ?? '')?.[1] ?? 1);
  await prepareDemo({
    scale,
    say: (line) => {
      console.log(`prepare: ${line}`);
    },
  });
}
