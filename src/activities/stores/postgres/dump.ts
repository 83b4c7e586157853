/**
 * A dump: pg_dump's custom format, compressed on the way, in the very snapshot in which every table is counted and hashed.
 * Stored are `data.pgdump.zst`, `globals.sql` (roles without their passwords), `contents.json` (what a restore is compared
 * with) and, last, `record.json`, by which another attempt knows that all of it is done.
 */
import { contentsFormat } from '../../backups/contents-format.ts';
import type { ComponentRecord, StoredObject } from '../../backups/manifest.ts';
import { componentRecord, keys } from '../../backups/manifest.ts';
import { failure } from '../../failures.ts';
import type { Observation } from '../../mutation.ts';
import { openStorage } from '../../storage/index.ts';
import type { ObjectStorage } from '../../storage/contract.ts';
import type { DumpRequest, Work } from '../contract.ts';
import { readSmall, removeStale, storeBytes, storePiped, wayIn } from '../transfer.ts';
import { type Client, openClient } from './client.ts';
import { algorithmFor } from './content-hash.ts';
import { measureTables } from './measure.ts';
import { readProperties } from './properties.ts';
import { connectionTo } from './quote.ts';
import { askServer, type Server } from './server.ts';
import { askedIn, listSequences, listTables } from './tables.ts';
import { renderChain } from '../../../exec/index.ts';
import type { Session } from './session.ts';

export const dataObject = 'data.pgdump.zst';
export const contentsObject = 'contents.json';
const globalsObject = 'globals.sql';
const recordObject = 'record.json';

/** Milliseconds. A lock that is not had in five minutes is an answer: somebody has forgotten a transaction. */
const lockWait = '300000';
export const dumpSettings: Readonly<Record<string, string>> = { lock_timeout: lockWait };

export const dump = {
  async observe(request: DumpRequest, work: Work): Promise<Observation<ComponentRecord>> {
    const storage = await openStorage(request.backup.destination);
    const done = await finishedRecord(storage, request, work.signal);
    if (done) return { done };
    const client = await openClient(request, work.call.key);
    const { major } = await askServer(client, work.signal);
    const pipe = [dumpCommand(client, request, major, '<snapshot>'), ...wayIn(request.backup)];
    const location = storage.locate(objectKey(request, dataObject));
    return {
      todo: [
        `${renderChain(
          pipe.map(({ argv }) => argv),
          client.secrets,
        )} > ${location}`,
      ],
      foreseen: {
        store: request.store,
        type: 'postgres',
        takenAt: new Date().toISOString(),
        objects: [
          {
            name: dataObject,
            bytes: 0,
            sha256: '0'.repeat(64),
            compression: 'zstd',
            encryption: encryptionOf(request),
          },
        ],
        summary: { planned: 'yes' },
      },
    };
  },

  async act(request: DumpRequest, work: Work): Promise<ComponentRecord> {
    const storage = await openStorage(request.backup.destination);
    const client = await openClient(request, work.call.key);
    // Looked at again: we may be the attempt that was taken for dead, and its successor done.
    const done = await finishedRecord(storage, request, work.signal);
    if (done) return done;
    // What a dead attempt left behind: half of a backup that nobody has listed anywhere.
    await removeStale(storage, request);
    const { database } = client.spec;
    const server = await askServer(client, work.signal, database);
    const takenAt = new Date().toISOString();
    const session = client.session(database, work.signal, { settings: dumpSettings });
    try {
      return await dumpIn(session, { storage, client, server, takenAt, request, work });
    } finally {
      await session.close();
    }
  },
};

interface Dumping {
  storage: ObjectStorage;
  client: Client;
  server: Server;
  takenAt: string;
  request: DumpRequest;
  work: Work;
}

async function dumpIn(session: Session, dumping: Dumping): Promise<ComponentRecord> {
  const { storage, client, server, takenAt, request, work } = dumping;
  const { database } = client.spec;
  await session.ask('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  const [snapshot = ''] = await session.ask('SELECT pg_export_snapshot()');
  const asked = askedIn(session);
  const [tables, sequences] = [await listTables(asked), await listSequences(asked)];
  const [databaseBytes = '0'] = await session.ask('SELECT pg_database_size(current_database())');

  const properties = await readProperties(client, database, work.signal);
  if (!properties)
    throw failure('CommandFailed', {
      what: `Database ${database} vanished while ${client.title} was dumped.`,
    });
  const store = (name: string) => ({
    storage,
    key: objectKey(request, name),
    backup: request.backup,
    signal: work.signal,
  });

  // All at once: the compressor leaves the server idle now and then, and the counting finds the pages just read.
  const stop = new AbortController();
  const signal = AbortSignal.any([work.signal, stop.signal]);
  const wanted = tables.map((table) => ({ table, algorithm: algorithmFor(table, server.number) }));
  const counting = measureTables(wanted, [session]);
  const storing = storePiped({
    ...store(dataObject),
    signal,
    producer: dumpCommand(client, request, server.major, snapshot),
    onProgress: (bytes) => work.progress({ note: `Dumping ${database}`, done: bytes, unit: 'bytes' }),
    explain: (error) => client.explained(error, `The dump of database ${database}, ${client.title}, failed`),
  });
  const roles = dumpGlobals(dumping, storing, signal);
  const [data, measured, globals] = await Promise.all([storing, counting, roles]).catch(
    async (error: unknown) => {
      stop.abort(error);
      await session.close();
      await Promise.allSettled([storing, counting, roles]);
      throw error;
    },
  );

  const contents = {
    format: contentsFormat,
    type: 'postgres',
    serverVersion: server.version,
    tables: measured,
    sequences: sequences.map(({ schema, name, lastValue }) => ({ schema, name, lastValue })),
    database: properties,
  };
  const { plainBytes, ...stored } = data;
  const objects: StoredObject[] = [
    { name: dataObject, ...stored, compression: 'zstd', encryption: encryptionOf(request) },
    await storeJson(store(contentsObject), contentsObject, contents, request),
  ];
  if (globals.stored) objects.push(globals.stored);

  const rows = measured.reduce((sum, table) => sum + BigInt(table.rows), 0n);
  const record = componentRecord.parse({
    store: request.store,
    type: 'postgres',
    takenAt,
    objects,
    summary: {
      database,
      server: `PostgreSQL ${server.version}`,
      tables: measured.length,
      rows: Number(rows),
      sequences: sequences.length,
      databaseBytes: Number(databaseBytes),
      ...(plainBytes === null ? {} : { dumpBytes: plainBytes }),
      globals: globals.note,
    },
  } satisfies ComponentRecord);
  await storeBytes({ ...store(recordObject), bytes: Buffer.from(JSON.stringify(record)), encrypt: false });
  return record;
}

function dumpCommand(client: Client, request: DumpRequest, major: number, snapshot: string) {
  // Custom format, uncompressed: zstd does that better and in parallel.
  const args = [
    '--format=custom',
    '--compress=0',
    `--snapshot=${snapshot}`,
    `--lock-wait-timeout=${lockWait}`,
  ];
  return client.tool('pg_dump', args, client.spec.database, { major });
}

/** Roles and tablespaces, for a server that has lost them. Not everybody may read them: then the record says so. */
async function dumpGlobals(
  { storage, client, server, request }: Dumping,
  after: Promise<unknown>,
  signal: AbortSignal,
): Promise<{ stored?: StoredObject; note: string }> {
  const command = client.tool(
    'pg_dumpall',
    ['--globals-only', '--no-role-passwords', `--dbname=${connectionTo(client.maintenance)}`],
    client.maintenance,
    { major: server.major, timeoutMs: 600_000 },
  );
  try {
    const stored = await storePiped({
      storage,
      key: objectKey(request, globalsObject),
      backup: request.backup,
      signal,
      producer: command,
      compress: false,
      after,
      explain: (error) =>
        client.explained(error, `Roles and tablespaces of ${client.title} could not be read`),
    });
    const { bytes, sha256 } = stored;
    return {
      stored: { name: globalsObject, bytes, sha256, compression: 'none', encryption: encryptionOf(request) },
      note: 'stored',
    };
  } catch (error) {
    signal.throwIfAborted();
    // Only what this user may not read may be missing: a full disk or a server that is gone is another story.
    if ((error as { type?: string }).type !== 'ConfigurationError' || server.isSuperuser) throw error;
    return { note: 'not readable by this user' };
  }
}

async function storeJson(
  target: { storage: ObjectStorage; key: string; backup: DumpRequest['backup']; signal: AbortSignal },
  name: string,
  value: unknown,
  request: DumpRequest,
): Promise<StoredObject> {
  const stored = await storeBytes({ ...target, bytes: Buffer.from(JSON.stringify(value)), encrypt: true });
  return { name, ...stored, compression: 'none', encryption: encryptionOf(request) };
}

/** The record of an earlier attempt, if it is all there: nothing of gigabytes is read again. */
async function finishedRecord(
  storage: ObjectStorage,
  request: DumpRequest,
  signal: AbortSignal,
): Promise<ComponentRecord | null> {
  const bytes = await readSmall(storage, objectKey(request, recordObject), signal);
  const record = bytes && componentRecord.safeParse(parsed(bytes)).data;
  if (!record || record.store !== request.store || record.type !== 'postgres') return null;
  for (const object of record.objects) {
    const found = await storage.stat(objectKey(request, object.name));
    if (found?.bytes !== object.bytes) return null;
  }
  return record;
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return null;
  }
}

function objectKey(request: DumpRequest, name: string): string {
  return keys.object(request.system, request.backupId, request.store, name);
}

function encryptionOf({ backup }: DumpRequest): 'age' | 'none' {
  return backup.encryption ? 'age' : 'none';
}
