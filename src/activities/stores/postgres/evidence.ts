/** What is to be known later about a damaged database, written down before anything is changed. */
import { createHash } from 'node:crypto';
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import path from 'node:path';
import type { Destination } from '../../../inventory/schema/backup.ts';
import type { DamageReport } from '../../contract.ts';
import { failure } from '../../failures.ts';
import type { Observation } from '../../mutation.ts';
import { openStorage } from '../../storage/index.ts';
import { once, readSmall } from '../../storage/small.ts';
import type { StoreRequest, Work } from '../contract.ts';
import { type Client, openClient } from './client.ts';
import { literal } from './quote.ts';
import type { Session } from './session.ts';

type Request = StoreRequest & { report: DamageReport; destination: Destination | null; evidence: string };

export interface Evidence {
  location: string;
  sha256: string;
  bytes: number;
}

const limit = 64 * 1024 * 1024;
const logLines = 200;

export const captureEvidence = {
  async observe(request: Request, work: Work): Promise<Observation<Evidence>> {
    const place = await placeOf(request, work.signal);
    const there = await place.read();
    // Written by an earlier attempt: it shows the database as it was then, which is what is wanted.
    if (there) return { done: told(place.location, there) };
    return {
      todo: [`write ${place.location}`],
      foreseen: { location: place.location, sha256: '', bytes: 0 },
    };
  },

  async act(request: Request, work: Work): Promise<Evidence> {
    const place = await placeOf(request, work.signal);
    const client = await openClient(request, work.call.key);
    const bytes = Buffer.from(`${JSON.stringify(await gather(client, request, work), null, 2)}\n`);
    await place.write(bytes);
    return told(place.location, bytes);
  },
};

/** Whatever cannot be had says why in its place: evidence with gaps is better than none. */
async function gather(client: Client, request: Request, work: Work): Promise<Record<string, unknown>> {
  const facts: Record<string, unknown> = {
    format: 'durable-runbooks/evidence/1',
    system: request.system,
    store: request.store,
    database: client.spec.database,
    capturedAt: new Date().toISOString(),
    report: request.report,
  };
  const database = literal(client.spec.database);
  const queries: [string, string][] = [
    [
      'server',
      `SELECT json_build_object('version', version(), 'startedAt', pg_postmaster_start_time(), 'inRecovery', pg_is_in_recovery())`,
    ],
    ['statistics', `SELECT row_to_json(s) FROM pg_stat_database s WHERE datname = ${database}`],
    [
      'settings',
      `SELECT json_object_agg(name, setting) FROM pg_settings WHERE name ~ ${literal(settingsKept)}`,
    ],
    [
      'sessions',
      `SELECT coalesce(json_agg(json_build_object('pid', pid, 'user', usename, 'application', application_name, 'state', state, 'since', state_change, 'waitsFor', wait_event)), '[]') FROM pg_stat_activity WHERE datname = ${database}`,
    ],
    ['serverLog', serverLog],
  ];
  await attempt(client, client.maintenance, queries, facts, work);
  await attempt(client, client.spec.database, [['relations', relationSizes]], facts, work);
  return facts;
}

async function attempt(
  client: Client,
  database: string,
  queries: readonly [string, string][],
  facts: Record<string, unknown>,
  work: Work,
) {
  let session: Session | undefined;
  try {
    session = client.session(database, work.signal, {
      settings: { default_transaction_read_only: 'on', statement_timeout: '60000' },
    });
    for (const [name, sql] of queries) {
      const { lines, error } = await session.try(sql);
      facts[name] = error
        ? { notAvailable: error.message }
        : lines.length === 0
          ? null
          : (JSON.parse(lines.join('\n')) as unknown);
    }
  } catch (error) {
    work.signal.throwIfAborted();
    for (const [name] of queries)
      facts[name] ??= { notAvailable: error instanceof Error ? error.message : String(error) };
  } finally {
    await session?.close();
  }
}

const settingsKept =
  '^(data_checksums|data_directory|fsync|full_page_writes|synchronous_commit|wal_.*|shared_buffers|zero_damaged_pages|ignore_checksum_failure|archive_mode|server_version|max_connections|autovacuum|log_destination|logging_collector)$';

const relationSizes = `
SELECT coalesce(json_agg(json_build_object('name', format('%I.%I', n.nspname, c.relname), 'kind', c.relkind, 'bytes', pg_relation_size(c.oid),
  'file', pg_relation_filepath(c.oid)) ORDER BY pg_relation_size(c.oid) DESC), '[]')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'i', 't', 'm') AND n.nspname !~ '^(pg_catalog|information_schema)$'`;

/** The last 64 KiB of the server's own log, where it keeps one and lets us read it. */
const serverLog = `
SELECT to_json((SELECT array_agg(line) FROM (SELECT line FROM regexp_split_to_table(
  pg_read_file(pg_current_logfile(), greatest(0, (pg_stat_file(pg_current_logfile())).size - 65536), 65536), E'\\n')
  WITH ORDINALITY AS l(line, n) ORDER BY n DESC LIMIT ${logLines}) AS newest))`;

interface Place {
  location: string;
  read(): Promise<Buffer | undefined>;
  write(bytes: Buffer): Promise<void>;
}

async function placeOf(request: Request, signal: AbortSignal): Promise<Place> {
  const { system, evidence, destination, stateDirectory } = request;
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/.test(evidence)) {
    throw failure('InvalidInput', {
      what: `The name of the evidence ${JSON.stringify(evidence)} is not a plain name.`,
      retryable: false,
    });
  }
  if (destination) {
    const storage = await openStorage(destination);
    const key = `${system}/evidence/${evidence}.json`;
    return {
      location: storage.locate(key),
      read: async () => await readSmall(storage, key, signal, limit),
      write: async (bytes) => void (await storage.write(key, once(bytes), { signal, ifAbsent: false })),
    };
  }
  const location = path.join(stateDirectory, 'evidence', `${evidence}.json`);
  return {
    location,
    read: async () => await readFile(location).catch(() => undefined),
    write: async (bytes) => await writeWhole(location, bytes),
  };
}

/** The file appears whole or not at all. */
async function writeWhole(file: string, bytes: Uint8Array): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  const half = `${file}.${process.pid}.part`;
  const handle = await open(half, 'w', 0o600);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(half, file);
}

function told(location: string, bytes: Uint8Array): Evidence {
  return { location, sha256: createHash('sha256').update(bytes).digest('hex'), bytes: bytes.length };
}
