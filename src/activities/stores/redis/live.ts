/** The live server: how it is reached, what it says about itself, and how it names the files it starts from. */
import { readdir, readFile, readlink, realpath } from 'node:fs/promises';
import path from 'node:path';
import type { ApplicationFailure } from '@temporalio/common';
import { type Command, liveProcesses } from '../../../exec/index.ts';
import type { RedisStore } from '../../../inventory/schema/store.ts';
import { failure } from '../../failures.ts';
import { resolveSecret } from '../../secrets.ts';
import type { StoreRequest, Work } from '../contract.ts';
import { asArray, asText, connectRedis, type RespAddress, type RespClient, RespError } from './resp.ts';

export interface Live {
  spec: RedisStore;
  /** `store cache of shop (127.0.0.1:6379)`. */
  title: string;
  address: RespAddress;
  /** A redis-cli command against it; the password goes in by the environment. */
  cli(args: readonly string[], timeoutMs: number): Command;
}

export async function openLive(request: StoreRequest): Promise<Live> {
  const { spec } = request;
  if (spec.type !== 'redis') throw new TypeError(`store ${request.store} is not of type redis`);
  const password = spec.password === undefined ? undefined : await resolveSecret(spec.password);
  // A host that begins with a slash is the server's Unix socket.
  const target = spec.host.startsWith('/') ? { path: spec.host } : { host: spec.host, port: spec.port };
  const where = 'path' in target ? ['-s', target.path] : ['-h', spec.host, '-p', String(spec.port)];
  const who = spec.user === undefined ? [] : ['--user', spec.user];
  return {
    spec,
    title: `store ${request.store} of ${request.system} (${'path' in target ? target.path : `${spec.host}:${spec.port}`})`,
    address: { target, user: spec.user, password },
    cli: (args, timeoutMs) => ({
      argv: ['redis-cli', ...where, ...who, ...args],
      ...(password === undefined ? {} : { environment: { REDISCLI_AUTH: password }, secrets: [password] }),
      timeoutMs,
    }),
  };
}

/** Connects, asks, and closes. Failures: `Unreachable`, `NotReady` while it loads, `ConfigurationError` when it refuses us. */
export async function askLive<T>(
  live: Live,
  work: Work,
  ask: (client: RespClient) => Promise<T>,
): Promise<T> {
  let client: RespClient | undefined;
  try {
    client = await connectRedis({ ...live.address, signal: work.signal });
    return await ask(client);
  } catch (error) {
    work.signal.throwIfAborted();
    throw explained(live, error);
  } finally {
    client?.close();
  }
}

function explained(live: Live, error: unknown): unknown {
  if (!(error instanceof Error) || 'nonRetryable' in error) return error;
  if (error instanceof RespError) return refused(live, error);
  return failure('Unreachable', {
    what: `Redis of ${live.title} does not answer: ${error.message}.`,
    hint: 'See that the server runs and that host and port are right; the step is tried again.',
    cause: error,
  });
}

function refused(live: Live, error: RespError): ApplicationFailure {
  if (['NOAUTH', 'WRONGPASS', 'NOPERM'].includes(error.code) || /AUTH/.test(error.message)) {
    return failure('ConfigurationError', {
      what: `Redis of ${live.title} refuses us: ${error.message}`,
      hint: 'Check the user and the password reference in the inventory, and what this user is allowed.',
      retryable: false,
    });
  }
  return failure(error.code === 'LOADING' || error.code === 'BUSY' ? 'NotReady' : 'CommandFailed', {
    what: `Redis of ${live.title} answered: ${error.message}`,
    hint: 'The step is tried again.',
  });
}

/** Whether anything at all accepts connections where the server listens; even one that refuses us. */
export async function accepts(live: Live, work: Work): Promise<boolean> {
  try {
    const { target } = live.address;
    (await connectRedis({ target, signal: work.signal, patienceMs: 3_000 })).close();
    return true;
  } catch {
    work.signal.throwIfAborted();
    return false;
  }
}

/** How a server names the files it starts from. */
export interface Layout {
  dbFile: string;
  appendOnly: boolean;
  appendDirectory: string;
  appendFile: string;
  /** Null when it could not be asked. */
  version: string | null;
}

const usual = { dbFile: 'dump.rdb', appendDirectory: 'appendonlydir', appendFile: 'appendonly.aof' };

/**
 * From the server itself; when it is down, from the files in its directory. Failure `ConfigurationError` when the server
 * keeps its data elsewhere than the inventory says.
 */
export async function layoutOf(live: Live, directory: string, work: Work): Promise<Layout> {
  if (!(await accepts(live, work))) return await layoutOfFiles(directory);
  return await askLive(live, work, async (client) => {
    const config = await readConfig(client);
    const info = await client.text('INFO');
    const own = config.get('dir');
    if (own !== undefined && (await realpath(own).catch(() => own)) !== directory) {
      throw failure('ConfigurationError', {
        what: `Redis of ${live.title} keeps its data in ${own}, and the inventory says ${live.spec.dataDirectory}.`,
        hint: 'Correct stores.*.dataDirectory. Nothing was changed.',
        retryable: false,
      });
    }
    if (/^cluster_enabled:1/m.test(info)) {
      throw failure('Unsupported', {
        what: `Redis of ${live.title} is part of a cluster, which is not restored by exchanging one node's directory.`,
        retryable: false,
      });
    }
    return {
      dbFile: config.get('dbfilename') ?? usual.dbFile,
      appendOnly: config.has('appendonly')
        ? config.get('appendonly') === 'yes'
        : /^aof_enabled:1/m.test(info),
      appendDirectory: config.get('appenddirname') ?? usual.appendDirectory,
      appendFile: config.get('appendfilename') ?? usual.appendFile,
      version: /^redis_version:(\S+)/m.exec(info)?.[1] ?? null,
    };
  });
}

/** Empty where the user may not read the configuration; the usual names are assumed then. */
async function readConfig(client: RespClient): Promise<Map<string, string>> {
  const config = new Map<string, string>();
  for (const name of ['dir', 'dbfilename', 'appendonly', 'appenddirname', 'appendfilename']) {
    try {
      const [key, value] = asArray(await client.ask('CONFIG', 'GET', name));
      if (key !== undefined) config.set(asText(key), asText(value));
    } catch (error) {
      if (!(error instanceof RespError)) throw error;
    }
  }
  return config;
}

/** `<appenddirname>/<appendfilename>.manifest` and `*.rdb` tell the names. */
async function layoutOfFiles(directory: string): Promise<Layout> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  const dumps = entries.filter((entry) => entry.isFile() && /^(?!temp-).+\.rdb$/.test(entry.name));
  const dbFile = dumps.length === 1 && dumps[0] ? dumps[0].name : usual.dbFile;
  for (const entry of entries.filter((one) => one.isDirectory())) {
    const inside = await readdir(path.join(directory, entry.name)).catch(() => []);
    const manifest = inside.find((name) => name.endsWith('.manifest'));
    if (manifest === undefined) continue;
    return {
      ...{ dbFile, appendOnly: true, version: null },
      appendDirectory: entry.name,
      appendFile: manifest.slice(0, -'.manifest'.length),
    };
  }
  return { ...usual, dbFile, appendOnly: false, version: null };
}

/** Processes that work in the directory: a Redis server does in its own. Those of others may be hidden from us. */
export async function usersOf(directory: string): Promise<string[]> {
  const found: string[] = [];
  for (const { pid } of liveProcesses()) {
    const works = await readlink(`/proc/${pid}/cwd`).catch(() => '');
    if (works !== directory) continue;
    const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
    if (name.startsWith('redis')) found.push(`${name.trim()} (pid ${pid})`);
  }
  return found;
}

/** Failure `NotReady` while a server runs on the directory that is to be exchanged. */
export async function assertStopped(live: Live, directory: string, work: Work): Promise<void> {
  const why = (await accepts(live, work))
    ? 'something accepts connections there'
    : (await usersOf(directory)).map((user) => `${user} works in ${directory}`)[0];
  if (why === undefined) return;
  throw failure('NotReady', {
    what: `Redis of ${live.title} still runs (${why}): its directory was not exchanged.`,
    hint: `Stop the service ${live.spec.service} first; then try the step again.`,
  });
}
