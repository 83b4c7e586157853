/** Backups of real dumps, made by hand where the code under test only reads them. */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { createBackupActivities } from '../../src/activities/backups/index.ts';
import {
  type ComponentRecord,
  keys,
  type PostgresContents,
  type RedisContents,
  type StoredObject,
} from '../../src/activities/backups/manifest.ts';
import type { Call } from '../../src/activities/call.ts';
import type { BackupPlace } from '../../src/activities/contract.ts';
import { run as execute } from '../../tools/lib/run.ts';
import { backup as backupSchema, type Backup } from '../../src/inventory/schema/backup.ts';
import { chunked, type Ground, never, sha256 } from '../storage/support.ts';
import { psql, sharedDatabase, sharedServers, startRedis, temporaryDirectory } from '../support/servers.ts';

export interface Dumps {
  /** `pg_dump -Fc`, then zstd. */
  postgres: Buffer;
  /** Redis' RDB, then zstd. */
  redis: Buffer;
  rdb: Buffer;
}

/** Dumps of a small real database and a small real Redis. */
export async function realDumps(): Promise<Dumps> {
  const directory = await temporaryDirectory();
  const database = `dump_${randomBytes(6).toString('hex')}`;
  await psql(sharedDatabase(), `CREATE DATABASE ${database}`);
  const connection = sharedDatabase(database);
  await psql(
    connection,
    'CREATE TABLE users AS SELECT g AS id, md5(g::text) AS name FROM generate_series(1, 20000) g',
  );
  const plain = path.join(directory, 'dump.pgc');
  const { host, port, user, password } = connection;
  await execute(
    'pg_dump',
    ['-Fc', '-Z0', '-h', host, '-p', String(port), '-U', user, '-f', plain, database],
    {
      env: { PGPASSWORD: password },
    },
  );
  await psql(sharedDatabase(), `DROP DATABASE ${database}`);
  const redis = await startRedis({ directory: path.join(directory, 'redis') });
  try {
    await redis.cli('DEBUG', 'POPULATE', '5000').catch(async () => {
      for (let at = 0; at < 50; at += 1)
        await redis.cli('SET', `key:${at}`, randomBytes(100).toString('hex'));
    });
    await redis.cli('SET', 'greeting', 'hello');
    await redis.cli('SAVE');
  } finally {
    await redis.stop();
  }
  const rdb = path.join(directory, 'redis', 'dump.rdb');
  await execute('zstd', ['-q', plain, rdb]);
  const [packed, packedRdb, plainRdb] = await Promise.all([
    readFile(`${plain}.zst`),
    readFile(`${rdb}.zst`),
    readFile(rdb),
  ]);
  return { postgres: packed, redis: packedRdb, rdb: plainRdb };
}

const contents: { postgres: PostgresContents; redis: RedisContents } = {
  postgres: {
    type: 'postgres',
    serverVersion: '15',
    tables: [],
    sequences: [],
    database: {
      owner: 'owner',
      encoding: 'UTF8',
      collate: 'C',
      ctype: 'C',
      provider: 'c',
      locale: null,
      icuRules: null,
      connectionLimit: -1,
      comment: null,
      grants: null,
      settings: [],
    },
  },
  redis: { type: 'redis', serverVersion: '7.0', databases: [] },
};

export function policyOf(there: Ground, more: Record<string, unknown> = {}): Backup {
  return backupSchema.parse({ destination: there.destination, components: ['main', 'cache'], ...more });
}

/** `demo-<kind>-<time>-<run>`; `daysAgo` moves it back. */
export function backupIdAt(date: Date, run = randomBytes(4).toString('hex'), kind = 'manual'): string {
  const stamp = date.toISOString().replaceAll(/[-:]|\.\d{3}/g, '');
  return `demo-${kind}-${stamp}-${run}`;
}

export function daysAgo(days: number): Date {
  return new Date(Date.now() - days * 86_400_000);
}

export interface Object {
  name: string;
  bytes: Buffer;
  compression?: StoredObject['compression'];
  encryption?: StoredObject['encryption'];
}

/** Stores the objects of a component, as a dump activity would have, and says what the manifest is to list. */
export async function storeComponent(
  there: Ground,
  id: string,
  type: ComponentRecord['type'],
  takenAt: Date,
  dump: Object,
): Promise<ComponentRecord> {
  const store = type === 'postgres' ? 'main' : 'cache';
  const listed: Object = {
    name: 'contents.json',
    bytes: Buffer.from(JSON.stringify(contents[type])),
    compression: 'none',
  };
  const objects: StoredObject[] = [];
  for (const { name, bytes, compression = 'zstd', encryption = 'none' } of [dump, listed]) {
    await there.storage.write(keys.object('demo', id, store, name), chunked(bytes), { signal: never });
    objects.push({ name, bytes: bytes.length, sha256: sha256(bytes), compression, encryption });
  }
  return { store, type, takenAt: takenAt.toISOString(), objects, summary: { tables: 1 } };
}

export async function temporalClient(): Promise<Client> {
  const { address, namespace } = sharedServers().temporal;
  return new Client({ connection: await Connection.connect({ address }), namespace });
}

export interface Run {
  workflowId: string;
  runId: string;
  end(): Promise<void>;
}

/** A workflow that really is open: nobody works on its task queue. */
export async function openRun(client: Client): Promise<Run> {
  const workflowId = `test-backups-${randomBytes(6).toString('hex')}`;
  const handle = await client.workflow.start('nobody-runs-this', { workflowId, taskQueue: workflowId });
  return {
    workflowId,
    runId: handle.firstExecutionRunId,
    end: async () => {
      await handle.terminate('the test is over');
    },
  };
}

/** The activities, as one step of a run calls them. */
export function as(
  run: { workflowId: string; runId: string },
  client: Client,
  step = randomBytes(4).toString('hex'),
) {
  const { workflowId, runId } = run;
  const environment = new MockActivityEnvironment(
    { workflowExecution: { workflowId, runId }, scheduledTimestampMs: Date.now() },
    { client, logger: new DefaultLogger('ERROR') },
  );
  const call: Call = { plan: false, fence: null, key: `${workflowId}/${runId}/${step}` };
  const activities = createBackupActivities();
  const started = async <Asked extends unknown[], Answer>(
    activity: (...asked: Asked) => Promise<Answer>,
    ...asked: Asked
  ): Promise<Answer> => await environment.run(activity, ...asked);
  return {
    environment,
    call,
    list: async (place: BackupPlace) => await started(activities.listBackups, place),
    choose: async (place: BackupPlace, id: string | null, need: string[] = []) =>
      await started(activities.chooseBackup, { ...place, id, need }),
    lease: async (place: BackupPlace, id: string) =>
      await started(activities.leaseBackup, { ...place, id }, call),
    release: async (place: BackupPlace, id: string) =>
      await started(activities.releaseBackup, { ...place, id }, call),
    writeManifest: async (
      place: BackupPlace,
      id: string,
      components: ComponentRecord[],
      startedAt = new Date(),
    ) =>
      await started(
        activities.writeManifest,
        { ...place, id, kind: 'manual' as const, startedAt: startedAt.toISOString(), components },
        call,
      ),
    verify: async (place: BackupPlace, id: string) =>
      await started(activities.verifyBackup, { ...place, id }, call),
    prove: async (place: BackupPlace, id: string) =>
      await started(
        activities.recordProof,
        {
          ...place,
          id,
          proof: {
            restoredAt: new Date().toISOString(),
            runId,
            rtoMs: 1234,
            comparisons: [{ store: 'main', compared: 1, rows: '20000' }],
          },
        },
        call,
      ),
    retain: async (place: BackupPlace) => await started(activities.applyRetention, place, call),
    plan: async (place: BackupPlace) =>
      await started(activities.applyRetention, place, { ...call, plan: true }),
  };
}
