/** A private S3 server: versitygw over a directory, on loopback. */
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { freePort } from '../lib/ports.ts';
import { type ServerProcess, startServer } from '../lib/processes.ts';
import { ensure } from '../setup.ts';

export interface VersitygwOptions {
  /** Holds the buckets, their old versions, the keys and the log; made if missing. */
  readonly directory: string;
  readonly port?: number;
  readonly region?: string;
}

export interface S3Server {
  readonly endpoint: string;
  readonly port: number;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly region: string;
  /** One directory for each bucket; objects are files in it. */
  readonly dataDirectory: string;
  readonly logFile: string;
  readonly pid: number;
  readonly isRunning: boolean;
  stop(): Promise<void>;
  kill(): Promise<void>;
  /** Starts it again after `stop` or `kill`, on the same port. */
  start(): Promise<void>;
}

/** Starts the server; resolves when its health check answers. Path-style addresses only; versioning can be enabled. */
export async function startVersitygw(options: VersitygwOptions): Promise<S3Server> {
  const command = await ensure('versitygw');
  const dataDirectory = path.join(options.directory, 'buckets');
  const versionsDirectory = path.join(options.directory, 'versions');
  await mkdir(dataDirectory, { recursive: true });
  await mkdir(versionsDirectory, { recursive: true });
  const port = options.port ?? (await freePort());
  const region = options.region ?? 'us-east-1';
  const keys = await rootKeys(path.join(options.directory, 'keys.json'));
  const endpoint = `http://127.0.0.1:${port}`;
  const logFile = path.join(options.directory, 'versitygw.log');
  const launch = async () =>
    await startServer({
      name: `versitygw on port ${port}`,
      command,
      args: [
        ...['--port', `127.0.0.1:${port}`, '--region', region, '--health', '/healthz', '--quiet'],
        ...['posix', '--versioning-dir', versionsDirectory, dataDirectory],
      ],
      env: { ROOT_ACCESS_KEY: keys.accessKeyId, ROOT_SECRET_KEY: keys.secretAccessKey },
      logFile,
      ready: async () => (await fetch(`${endpoint}/healthz`)).ok,
    });
  let server: ServerProcess = await launch();

  return {
    endpoint,
    port,
    ...keys,
    region,
    dataDirectory,
    logFile,
    get pid() {
      return server.pid;
    },
    get isRunning() {
      return server.isRunning;
    },
    stop: async () => {
      await server.stop();
    },
    kill: async () => {
      await server.kill();
    },
    start: async () => {
      if (!server.isRunning) server = await launch();
    },
  };
}

/** Random keys, kept in the directory, so that a second start has the same. */
async function rootKeys(file: string): Promise<{ accessKeyId: string; secretAccessKey: string }> {
  const fresh = {
    accessKeyId: `RUNBOOK${randomBytes(6).toString('hex').toUpperCase()}`,
    secretAccessKey: randomBytes(24).toString('base64url'),
  };
  try {
    await writeFile(file, JSON.stringify(fresh), { flag: 'wx', mode: 0o600 });
    return fresh;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return JSON.parse(await readFile(file, 'utf8')) as typeof fresh;
  }
}
