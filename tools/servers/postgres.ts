/** A private PostgreSQL cluster: own directory, own port, loopback and a unix socket only. */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { assertReachable, temporaryDirectory } from '../lib/directories.ts';
import { freePort } from '../lib/ports.ts';
import { type ServerProcess, startServer } from '../lib/processes.ts';
import { type PsqlConnection, psql, type Row } from '../lib/psql.ts';
import { run } from '../lib/run.ts';
import { type SystemUser, unprivilegedUser } from '../lib/users.ts';
import { ensure } from '../setup.ts';

export interface PostgresOptions {
  /** Holds data, log and password; made if missing. A cluster that is in it already is started again. */
  readonly directory: string;
  readonly port?: number;
  /** Page checksums (`initdb -k`), without which damage goes unseen; default true. */
  readonly checksums?: boolean;
  /** Of the superuser, for TCP; default: a random one, kept in the directory. */
  readonly password?: string;
  /** Lines of postgresql.conf. The default is for tests: fsync off. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface PostgresServer {
  readonly host: '127.0.0.1';
  readonly port: number;
  /** Over this directory's socket anybody who can enter it is let in without a password; over TCP nobody is. */
  readonly socketDirectory: string;
  readonly user: 'postgres';
  readonly password: string;
  readonly dataDirectory: string;
  readonly logFile: string;
  /** The directory of pg_dump, pg_restore and the rest, of the server's own version. */
  readonly binaries: string;
  /** Of the postmaster; changes with every start. */
  readonly pid: number;
  readonly isRunning: boolean;
  /** Runs SQL as superuser over the socket; see {@link psql}. The default database is `postgres`. */
  psql(sql: string, database?: string): Promise<Row[]>;
  /** How `psql` connects over TCP, with the password. */
  connection(database?: string): PsqlConnection;
  /** Fast shutdown: disconnects everybody, writes a checkpoint. */
  stop(): Promise<void>;
  /** `kill -9` of postmaster and backends: the next start recovers from the log. */
  kill(): Promise<void>;
  /** Starts it again after `stop` or `kill`, on the same port. */
  start(): Promise<void>;
}

const TEST_SETTINGS = { fsync: 'off', log_statement: 'ddl', max_connections: '100' };

/** The longest path of a unix socket that Linux takes; macOS takes four bytes less. */
const LONGEST_SOCKET_PATH = 103;

/** Makes a cluster if need be, and starts it; resolves when it takes connections. */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const binaries = await ensure('postgres');
  const user = await unprivilegedUser('postgres');
  const cluster = await makeCluster(options, binaries, user);
  const port = options.port ?? (await freePort());
  const socketDirectory = await makeSocketDirectory(options.directory, port, user);
  const logFile = path.join(options.directory, 'postgres.log');
  const settings: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: socketDirectory,
    ...TEST_SETTINGS,
    ...options.settings,
  };
  const overSocket = (database: string): PsqlConnection => ({
    host: socketDirectory,
    port,
    user: 'postgres',
    database,
    psql: path.join(binaries, 'psql'),
  });
  const launch = async () =>
    await startServer({
      name: `PostgreSQL on port ${port}`,
      command: path.join(binaries, 'postgres'),
      args: [
        '-D',
        cluster.dataDirectory,
        ...Object.entries(settings).flatMap(([k, v]) => ['-c', `${k}=${v}`]),
      ],
      user,
      cwd: cluster.dataDirectory,
      logFile,
      stopSignal: 'SIGINT',
      emergencySignal: 'SIGQUIT',
      ready: async () => (await psql(overSocket('postgres'), 'select 1')).length === 1,
    });
  let server: ServerProcess = await launch();

  return {
    host: '127.0.0.1',
    port,
    socketDirectory,
    user: 'postgres',
    password: cluster.password,
    dataDirectory: cluster.dataDirectory,
    logFile,
    binaries,
    get pid() {
      return server.pid;
    },
    get isRunning() {
      return server.isRunning;
    },
    psql: async (sql, database = 'postgres') => await psql(overSocket(database), sql),
    connection: (database = 'postgres') => ({
      ...overSocket(database),
      host: '127.0.0.1',
      password: cluster.password,
    }),
    stop: async () => {
      await server.stop(30_000);
    },
    kill: async () => {
      await server.kill();
    },
    start: async () => {
      if (!server.isRunning) server = await launch();
    },
  };
}

async function makeCluster(
  options: PostgresOptions,
  binaries: string,
  user: SystemUser | undefined,
): Promise<{ dataDirectory: string; password: string }> {
  const dataDirectory = path.join(options.directory, 'data');
  const passwordFile = path.join(options.directory, 'password');
  if (existsSync(path.join(dataDirectory, 'PG_VERSION'))) {
    return { dataDirectory, password: options.password ?? (await readFile(passwordFile, 'utf8')).trim() };
  }
  const madeDirectory = await mkdir(options.directory, { recursive: true });
  if (madeDirectory !== undefined) await chmod(options.directory, 0o711);
  await mkdir(dataDirectory, { recursive: true, mode: 0o700 });
  const password = options.password ?? randomBytes(18).toString('base64url');
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
  if (user !== undefined) {
    await assertReachable(dataDirectory, user.name, user.uid);
    await chown(dataDirectory, user.uid, user.gid);
    await chown(passwordFile, user.uid, user.gid);
  }
  await run(
    path.join(binaries, 'initdb'),
    [
      ...((options.checksums ?? true) ? ['--data-checksums'] : []),
      '--no-sync',
      '--username=postgres',
      '--encoding=UTF8',
      '--locale=C',
      '--auth-local=trust',
      '--auth-host=scram-sha-256',
      `--pwfile=${passwordFile}`,
      `--pgdata=${dataDirectory}`,
    ],
    user === undefined ? { cwd: dataDirectory } : { cwd: dataDirectory, uid: user.uid, gid: user.gid },
  );
  return { dataDirectory, password };
}

async function makeSocketDirectory(
  directory: string,
  port: number,
  user: SystemUser | undefined,
): Promise<string> {
  let socketDirectory = path.join(directory, 'socket');
  if (path.join(socketDirectory, `.s.PGSQL.${port}`).length > LONGEST_SOCKET_PATH) {
    socketDirectory = await temporaryDirectory('rb-pg-', '/tmp');
  }
  await mkdir(socketDirectory, { recursive: true });
  await chmod(socketDirectory, 0o700);
  if (user !== undefined) await chown(socketDirectory, user.uid, user.gid);
  return socketDirectory;
}
