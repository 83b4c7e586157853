/** A real Redis under a store of an inventory, and backups of it in a directory. */
import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { type Manifest, manifest } from '../../src/activities/backups/manifest.ts';
import type { ComponentRecord } from '../../src/activities/backups/manifest.ts';
import type {
  DumpRequest,
  RestoreRequest,
  StoreRequest,
  SwapRequest,
  Work,
} from '../../src/activities/stores/contract.ts';
import { redisKind } from '../../src/activities/stores/redis/index.ts';
import { backup as backupSchema } from '../../src/inventory/schema/backup.ts';
import { redisStore } from '../../src/inventory/schema/store.ts';
import { run } from '../../tools/lib/run.ts';
import { type RedisServer, startRedis, temporaryDirectory } from '../support/servers.ts';

export interface Bench {
  base: string;
  dataDirectory: string;
  server: RedisServer;
  store: StoreRequest;
  backups: string;
  dumpRequest(id?: string): DumpRequest;
  restoreRequest(purpose?: RestoreRequest['purpose'], id?: string): RestoreRequest;
  swapRequest(name: string): SwapRequest;
  /** Dumps, and writes the manifest that makes a backup of it. */
  backUp(id?: string): Promise<ComponentRecord>;
  /** Commands through redis-cli --pipe: fast, and binary safe as RESP. */
  fill(commands: readonly (readonly (string | Buffer)[])[], server?: RedisServer): Promise<void>;
}

export const backupA = 'shop-manual-20260102T030405Z-0a1b2c3d';

/** Runs of this process: several test files work side by side, as several runs would. */
export const thisProcess = process.env['REDIS_TEST_RUN'] ?? randomUUID();

/** The work of a step of one run; another attempt of the same step has the same key. */
export function work(
  step: string,
  options: { run?: string; plan?: boolean; signal?: AbortSignal } = {},
): Work {
  const { run: runId = 'run-1', plan = false, signal = new AbortController().signal } = options;
  return {
    signal,
    call: { plan, fence: null, key: `restore/demo/${thisProcess}-${runId}/${step}` },
    progress: () => undefined,
  };
}

export async function bench(options: {
  appendonly?: boolean;
  password?: string;
  config?: Record<string, string>;
}): Promise<Bench> {
  const base = await temporaryDirectory();
  const dataDirectory = path.join(base, 'data');
  const server = await startRedis({
    directory: dataDirectory,
    appendonly: options.appendonly ?? false,
    ...(options.password === undefined ? {} : { password: options.password }),
    config: { 'repl-diskless-sync-delay': '0', ...options.config },
  });
  const secret = path.join(base, 'password');
  if (options.password !== undefined) await writeFile(secret, options.password);
  const backups = path.join(base, 'backups');
  await mkdir(backups);
  const store: StoreRequest = {
    system: 'shop',
    stateDirectory: path.join(base, 'state'),
    store: 'cache',
    spec: redisStore.parse({
      type: 'redis',
      service: 'redis',
      host: '127.0.0.1',
      port: server.port,
      dataDirectory,
      ...(options.password === undefined ? {} : { password: `file:${secret}` }),
    }),
  };
  const backup = backupSchema.parse({
    destination: { type: 'filesystem', directory: backups },
    components: ['cache'],
    scratchDirectory: path.join(base, 'scratch'),
  });
  const dumpRequest = (id = backupA): DumpRequest => ({ ...store, backup, backupId: id });
  return {
    ...{ base, dataDirectory, server, store, backups, dumpRequest },
    restoreRequest: (purpose = 'replace', id = backupA) => ({ ...dumpRequest(id), purpose }),
    swapRequest: (name) => ({ ...store, replacement: { name, backupId: backupA, takenAt: '', tookMs: 0 } }),
    backUp: async (id = backupA) => {
      const record = await redisKind.dump.act(dumpRequest(id), work('dump', { run: id }));
      await writeManifest(path.join(backups, 'shop', id), id, record);
      return record;
    },
    fill: async (commands, to = server) => {
      const input = commands.map((words) => {
        const bytes = words.map((word) => (typeof word === 'string' ? Buffer.from(word) : word));
        const parts = bytes.flatMap((word) =>
          [`$${word.length}\r\n`, word, '\r\n'].map((part) => Buffer.from(part)),
        );
        return Buffer.concat([Buffer.from(`*${words.length}\r\n`), ...parts]);
      });
      await pipe(to.port, Buffer.concat(input), options.password);
    },
  };
}

export async function writeManifest(directory: string, id: string, record: ComponentRecord): Promise<void> {
  const content: Manifest = manifest.parse({
    format: 'durable-runbooks/backup/1',
    id,
    system: 'shop',
    kind: 'manual',
    startedAt: record.takenAt,
    finishedAt: record.takenAt,
    run: { workflowId: 'backup/shop', runId: 'run-0' },
    tools: {},
    components: [record],
  } satisfies Manifest);
  await writeFile(path.join(directory, 'manifest.json'), JSON.stringify(content));
}

async function pipe(port: number, input: Buffer, password: string | undefined): Promise<void> {
  await run('redis-cli', ['-h', '127.0.0.1', '-p', String(port), '--pipe'], {
    input: input as unknown as string,
    env: { REDISCLI_AUTH: password },
  });
}

/** Strings (also binary), hashes small and large, lists, sets, sorted sets, streams, three databases, expiries, 20,000 keys. */
export function everything(): (string | Buffer)[][] {
  const commands: (string | Buffer)[][] = [];
  for (let i = 0; i < 20_000; i += 1) commands.push(['SET', `key:${i}`, `value ${i * 7}`]);
  for (let i = 0; i < 500; i += 1)
    commands.push(['SET', `session:${i}`, `${i}`, 'EX', String(7_200 + i * 60)]);
  const binary = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  commands.push(['SET', Buffer.concat([Buffer.from('binary:'), binary]), binary]);
  commands.push(['SET', 'empty', '']);
  commands.push(['HSET', 'hash:small', 'a', '1', binary, binary]);
  for (let i = 0; i < 1_500; i += 1) {
    commands.push(['HSET', 'hash:large', `field ${i}`, `${i}`], ['SADD', 'set:words', `word ${i}`]);
    commands.push(['RPUSH', 'list', `item ${i}`], ['ZADD', 'zset', String(i / 7), `member ${i}`]);
    commands.push(['XADD', 'stream', `1700000000000-${i + 1}`, 'n', String(i), 'text', `entry ${i}`]);
  }
  commands.push(
    ['SADD', 'set:numbers', '1', '2', '3'],
    ['ZADD', 'zset:ends', '-inf', 'low', '+inf', 'high', '0.1', 'tenth'],
  );
  commands.push(['XGROUP', 'CREATE', 'stream', 'readers', '0']);
  commands.push(['XREADGROUP', 'GROUP', 'readers', 'alice', 'COUNT', '5', 'STREAMS', 'stream', '>']);
  commands.push(['SELECT', '3'], ['SET', 'in three', 'yes'], ['SET', 'passing', 'x', 'EX', '90000']);
  commands.push(['SELECT', '9'], ['RPUSH', 'queue', 'one', 'two']);
  return commands;
}
