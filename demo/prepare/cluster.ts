/** The shop's PostgreSQL cluster: made once into the cache, then copied for each preparation. */
import { createHash, randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import {
  appendFile,
  chmod,
  chown,
  cp,
  lchown,
  mkdir,
  readdir,
  readFile,
  rm,
  writeFile,
} from 'node:fs/promises';
import path from 'node:path';

import { installOnce } from '../../tools/lib/cache.ts';
import { temporaryDirectory } from '../../tools/lib/directories.ts';
import { run } from '../../tools/lib/run.ts';
import { unprivilegedUser } from '../../tools/lib/users.ts';
import { startPostgres } from '../../tools/servers/postgres.ts';
import { indexesSql, rowsSql, schemaSql } from './rows.ts';

export type Say = (line: string) => void;

const databaseName = 'shop';
const settingsFile = 'demo.conf';
const passwords = ['postgres.password', 'shop.password'] as const;

/**
 * The directory of a stopped cluster with the shop's rows, and its two passwords. Made at the first call for this scale,
 * this PostgreSQL version and these rows; found in the cache afterwards.
 */
async function template(binaries: string, scale: number, say: Say): Promise<string> {
  const { stdout } = await run(path.join(binaries, 'postgres'), ['--version']);
  const made = createHash('sha256').update([stdout, schemaSql, rowsSql(scale), indexesSql].join('\n'));
  return await installOnce({
    name: `demo-shop-${made.digest('hex').slice(0, 12)}`,
    how: `making the shop's rows at scale ${scale}, once`,
    say,
    build: async (staging) => {
      await build(staging, scale, say);
    },
  });
}

async function build(staging: string, scale: number, say: Say): Promise<void> {
  // Not in the cache itself: its directories may be closed to the account that PostgreSQL runs under.
  const directory = await temporaryDirectory('runbooks-demo-');
  const server = await startPostgres({
    directory,
    // Rows of tables made in the same transaction need no log: the copies stay small.
    settings: {
      fsync: 'off',
      wal_level: 'minimal',
      max_wal_senders: '0',
      max_wal_size: '128MB',
      shared_buffers: '256MB',
      maintenance_work_mem: '256MB',
    },
  });
  try {
    const shopPassword = randomBytes(18).toString('base64url');
    await server.psql(`create role shop login password '${shopPassword}'`);
    await server.psql(`create database ${databaseName} owner shop`);
    say('rows ...');
    await server.psql(`begin;\n${schemaSql}\n${rowsSql(scale)}\ncommit;`, databaseName);
    say('indexes ...');
    await server.psql(indexesSql, databaseName);
    await writeFile(path.join(staging, 'postgres.password'), `${server.password}\n`, { mode: 0o600 });
    await writeFile(path.join(staging, 'shop.password'), `${shopPassword}\n`, { mode: 0o600 });
  } finally {
    await server.stop();
  }
  const data = path.join(staging, 'data');
  await copyTree(server.dataDirectory, data);
  await appendFile(path.join(data, 'postgresql.conf'), `\ninclude '${settingsFile}'\n`);
  await rm(directory, { recursive: true, force: true });
}

export interface Placed {
  dataDirectory: string;
  passwordFiles: { postgres: string; shop: string };
}

/** Puts a fresh cluster into `<root>/postgres/data`, and the passwords into `<root>/keys`. */
export async function placeCluster(options: {
  root: string;
  port: number;
  scale: number;
  binaries: string;
  say: Say;
}): Promise<Placed> {
  const { root, port, scale } = options;
  const from = await template(options.binaries, scale, options.say);
  const directory = path.join(root, 'postgres');
  const dataDirectory = path.join(directory, 'data');
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  await chmod(directory, 0o711);
  await copyTree(path.join(from, 'data'), dataDirectory);
  await writeFile(path.join(dataDirectory, settingsFile), settings(port, scale), { mode: 0o600 });
  for (const name of passwords) {
    await writeFile(path.join(root, 'keys', name), await readFile(path.join(from, name)), { mode: 0o600 });
  }
  const user = await unprivilegedUser('postgres');
  if (user) await chownTree(dataDirectory, user.uid, user.gid);
  return {
    dataDirectory,
    passwordFiles: {
      postgres: path.join(root, 'keys', 'postgres.password'),
      shop: path.join(root, 'keys', 'shop.password'),
    },
  };
}

/** Durable as a production server is; large enough not to slow the demonstration down. */
function settings(port: number, scale: number): string {
  const lines = {
    listen_addresses: "'127.0.0.1'",
    port: String(port),
    unix_socket_directories: "''",
    max_connections: '60',
    shared_buffers: scale >= 0.5 ? '256MB' : '32MB',
    maintenance_work_mem: scale >= 0.5 ? '256MB' : '64MB',
    max_wal_size: '2GB',
    checkpoint_timeout: '15min',
    fsync: 'on',
    wal_compression: 'on',
    log_line_prefix: "'%m [%p] %a '",
  };
  return Object.entries(lines)
    .map(([name, value]) => `${name} = ${value}\n`)
    .join('');
}

/** A copy that shares its blocks with the original where the file system can. */
async function copyTree(from: string, to: string): Promise<void> {
  await cp(from, to, { recursive: true, mode: constants.COPYFILE_FICLONE, preserveTimestamps: true });
  // PostgreSQL refuses a data directory that others may read.
  await chmod(to, 0o700);
}

async function chownTree(directory: string, uid: number, gid: number): Promise<void> {
  await chown(directory, uid, gid);
  for (const entry of await readdir(directory, { withFileTypes: true, recursive: true })) {
    await lchown(path.join(entry.parentPath, entry.name), uid, gid);
  }
}
