/**
 * A Redis server of our own for a moment: to load a dump and look at it, or to let Redis itself write the files that a live
 * server starts from. It listens on a Unix socket in a private directory, nowhere else, and keeps nothing unless asked to.
 */
import { createHash, randomBytes } from 'node:crypto';
import { lstat, mkdir, readdir, rm, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Running, start } from '../../../exec/index.ts';
import { failure } from '../../failures.ts';
import type { Work } from '../contract.ts';
import { connectRedis, type RespClient, RespError } from './resp.ts';

export interface ScratchOptions {
  /** Told apart from other scratch servers of the same step. */
  purpose: string;
  /** Holds what is to be loaded. */
  dataDirectory: string;
  /** The RDB file to load. Ignored by Redis when it loads an append-only file. */
  dbFile: string;
  /** `appenddirname`, its value, `appendfilename`, its value; they cannot be changed once a server runs. */
  appendNames?: readonly string[];
  /** Load the append-only file instead of the RDB. */
  loadAppendOnly?: boolean;
}

/** A day: loading takes as long as the data is large, and the caller's signal ends it sooner. */
const longestMs = 86_400_000;
const socketWithinMs = 30_000;
/** The live server may have been configured for more than the usual 16. */
const databases = '10000';

/**
 * Starts it, waits until everything is loaded, hands its connection to `use`, and ends it, whatever happens. A server that
 * a killed worker left behind in the same step is ended first.
 * Throws the CommandError of redis-server when it cannot load the data.
 */
export async function withScratchRedis<T>(
  options: ScratchOptions,
  work: Work,
  use: (client: RespClient) => Promise<T>,
): Promise<T> {
  const directory = await privateDirectory(options.purpose, work);
  const socket = path.join(directory, randomBytes(4).toString('hex'));
  let running: Running | undefined;
  try {
    running = start({ argv: command(options, socket), timeoutMs: longestMs }, work.signal);
    // It is awaited below; an end before that must not count as unhandled.
    running.finished.catch(() => undefined);
    const client = await loaded(socket, running, work);
    try {
      return await use(client);
    } finally {
      if (!(await shutDown(client))) running.stop('it would not end by itself');
    }
  } finally {
    await running?.finished.catch(() => undefined);
    await rm(socket, { force: true });
    // Another attempt, which took us for dead, may be at work in it.
    await rmdir(directory).catch(() => undefined);
  }
}

function command(options: ScratchOptions, socket: string): [string, ...string[]] {
  const settings = {
    port: '0',
    unixsocket: socket,
    unixsocketperm: '700',
    dir: options.dataDirectory,
    dbfilename: options.dbFile,
    save: '',
    databases,
    daemonize: 'no',
    'aof-load-truncated': 'no',
    appendonly: options.loadAppendOnly === true ? 'yes' : 'no',
  };
  const words = [...Object.entries(settings).flat(), ...(options.appendNames ?? [])];
  return ['redis-server', ...words.map((word, index) => (index % 2 === 0 ? `--${word}` : word))];
}

async function loaded(socket: string, running: Running, work: Work): Promise<RespClient> {
  try {
    return await firstAnswer(socket, running, work);
  } catch (error) {
    running.stop('it is of no use');
    throw error;
  }
}

async function firstAnswer(socket: string, running: Running, work: Work): Promise<RespClient> {
  const startedAt = performance.now();
  let ended: Error | undefined;
  running.finished.then(
    () => (ended = new Error('the scratch Redis server ended by itself')),
    (error: Error) => (ended = error),
  );
  for (;;) {
    work.signal.throwIfAborted();
    if (ended) throw ended;
    // It makes its socket before it loads anything: without one nobody will ever be answered.
    if (performance.now() - startedAt > socketWithinMs && !(await lstat(socket).catch(() => undefined))) {
      throw new Error('the scratch Redis server has no socket: another attempt of this step removed it');
    }
    const client = await answering(socket, work.signal);
    if (client) return client;
    work.progress({ note: 'loading the data into a scratch server' });
    await sleep(50, undefined, { signal: work.signal });
  }
}

async function answering(socket: string, signal: AbortSignal): Promise<RespClient | undefined> {
  let client: RespClient | undefined;
  try {
    // While it reads a large data set it answers nothing else: no limit but the signal.
    client = await connectRedis({ target: { path: socket }, signal, patienceMs: 0 });
    await client.ask('PING');
    return client;
  } catch (error) {
    client?.close();
    signal.throwIfAborted();
    if (error instanceof RespError && error.code !== 'LOADING') throw error;
    return undefined;
  }
}

/** False when the server refuses to end. */
async function shutDown(client: RespClient): Promise<boolean> {
  try {
    // The answer is the end of the connection.
    await client.ask('SHUTDOWN', 'NOSAVE');
    return false;
  } catch (error) {
    return !(error instanceof RespError);
  } finally {
    client.close();
  }
}

/** Ends what a killed attempt of this step left running: before anything that it may be writing to is touched. */
export async function endLeftServers(purpose: ScratchOptions['purpose'], work: Work): Promise<void> {
  const directory = await privateDirectory(purpose, work);
  await rmdir(directory).catch(() => undefined);
}

/** The same for every attempt of a step, so that the next one finds what a killed one left. Short: a socket's path may have 107 bytes. */
async function privateDirectory(purpose: string, work: Work): Promise<string> {
  const hash = createHash('sha256').update(`${work.call.key} ${purpose}`).digest('hex').slice(0, 16);
  const directory = path.join(tmpdir(), `durable-redis-${process.getuid?.() ?? 0}-${hash}`);
  const known = await lstat(directory).catch(() => undefined);
  if (known) {
    if (!known.isDirectory() || (process.getuid && known.uid !== process.getuid())) {
      throw failure('NotOurs', {
        what: `${directory} exists and does not belong to this worker's account, so no scratch server is started in it.`,
        hint: `Look who made it, and remove it.`,
        retryable: false,
      });
    }
    for (const socket of await readdir(directory)) await endLeft(path.join(directory, socket));
    return directory;
  }
  await mkdir(directory, { mode: 0o700 });
  return directory;
}

/** A server of an attempt that is thought dead: of a killed worker, or of one that was cut off. */
async function endLeft(socket: string): Promise<void> {
  const left = await connectRedis({ target: { path: socket } }).catch(() => undefined);
  if (left) await shutDown(left);
  await rm(socket, { force: true });
}
