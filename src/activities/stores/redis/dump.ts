/**
 * A dump: what the server sends to a replica, through zstd into storage; at the same time into a scratch file, which a
 * server of our own loads to take the contents from the dump itself. Stored are `data.rdb.zst`, `contents.json` and, last,
 * `record.json`, by which another attempt knows that all of it is done.
 */
import { type FileHandle, open, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { isBrokenPipe, renderChain, type Running, start, startPiped } from '../../../exec/index.ts';
import { contentsFormat } from '../../backups/contents-format.ts';
import { type ComponentRecord, componentRecord, keys, type StoredObject } from '../../backups/manifest.ts';
import { failure } from '../../failures.ts';
import type { Observation } from '../../mutation.ts';
import type { ObjectStorage, StoredBytes } from '../../storage/contract.ts';
import { openStorage } from '../../storage/index.ts';
import { commandFailure } from '../../work.ts';
import type { DumpRequest, Work } from '../contract.ts';
import { scratchDirectory } from '../scratch.ts';
import { readSmall, removeStale, storeBytes, wayIn } from '../transfer.ts';
import { countKeys, readContents } from './contents.ts';
import { askLive, type Live, openLive } from './live.ts';
import { checkRdb, rdbBytes } from './rdb.ts';
import { withScratchRedis } from './scratch.ts';

export const dataObject = 'data.rdb.zst';
export const contentsObject = 'contents.json';
const recordObject = 'record.json';

const longestMs = 86_400_000;

export const dump = {
  async observe(request: DumpRequest, work: Work): Promise<Observation<ComponentRecord>> {
    const storage = await openStorage(request.backup.destination);
    const done = await finishedRecord(storage, request, work.signal);
    if (done) return { done };
    const live = await openLive(request);
    await askLive(live, work, async (client) => await client.ask('PING'));
    const [first, ...rest] = [dumpCommand(live), ...wayIn(request.backup)].map(({ argv }) => argv);
    return {
      todo: [
        `${renderChain(first ? [first, ...rest] : rest, [])} > ${storage.locate(objectKey(request, dataObject))}`,
      ],
      foreseen: {
        store: request.store,
        type: 'redis',
        takenAt: new Date().toISOString(),
        objects: [{ ...objectFacts(request, dataObject), bytes: 0, sha256: '0'.repeat(64) }],
        summary: { planned: 'yes' },
      },
    };
  },

  async act(request: DumpRequest, work: Work): Promise<ComponentRecord> {
    const storage = await openStorage(request.backup.destination);
    const live = await openLive(request);
    // Looked at again: we may be the attempt that was taken for dead, and its successor done.
    const done = await finishedRecord(storage, request, work.signal);
    if (done) return done;
    // What a dead attempt left behind: half of a backup that nobody has listed anywhere.
    await removeStale(storage, request);
    const startedAt = new Date().toISOString();
    const directory = await scratchDirectory(request.backup, `${request.backupId}-${request.store}-dump`);
    const file = path.join(directory, 'dump.rdb');
    try {
      const data = await transfer({ storage, live, file, request, work });
      const facts = await checkRdb(file, `What Redis of ${live.title} sent`, work.signal);
      const contents = await withScratchRedis(
        { purpose: 'dump', dataDirectory: directory, dbFile: path.basename(file) },
        work,
        async (client) => await readContents(client, facts.version, work),
      );
      const bytes = Buffer.from(JSON.stringify({ format: contentsFormat, ...contents }));
      const target = { storage, backup: request.backup, signal: work.signal };
      const stored = await storeBytes({
        ...target,
        key: objectKey(request, contentsObject),
        bytes,
        encrypt: true,
      });
      const record = componentRecord.parse({
        store: request.store,
        type: 'redis',
        takenAt: facts.takenAt ?? startedAt,
        objects: [
          { ...objectFacts(request, dataObject), ...data },
          { ...objectFacts(request, contentsObject), ...stored },
        ],
        summary: {
          server: `Redis ${facts.version}`,
          databases: contents.databases.length,
          keys: countKeys(contents),
          rdbBytes: (await stat(file)).size,
        },
      } satisfies ComponentRecord);
      const key = objectKey(request, recordObject);
      await storeBytes({ ...target, key, bytes: Buffer.from(JSON.stringify(record)), encrypt: false });
      return record;
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  },
};

interface Transfer {
  storage: ObjectStorage;
  live: Live;
  file: string;
  request: DumpRequest;
  work: Work;
}

/** The object appears only when redis-cli has said that all of it came, and every program after it has exited well. */
async function transfer({ storage, live, file, request, work }: Transfer): Promise<StoredBytes> {
  const stop = new AbortController();
  const signal = AbortSignal.any([work.signal, stop.signal]);
  let copy: FileHandle | undefined;
  let filling: Promise<void> | undefined;
  const programs: Running[] = [];
  try {
    copy = await open(file, 'w', 0o600);
    const source = start(dumpCommand(live), signal, { stdout: 'pipe' });
    programs.push(source);
    source.finished.catch(() => undefined);
    const [zstd, ...more] = wayIn(request.backup);
    if (!zstd) throw new TypeError('a dump is always compressed');
    const sink = startPiped([zstd, ...more], signal, { stdin: 'pipe' });
    programs.push(sink);
    sink.finished.catch(() => undefined);
    const { stdin, stdout } = sink;
    if (!stdin || !stdout) throw new TypeError('a pipe needs both its ends');
    const own = copy;
    filling = pipeline(Readable.from(copied(rdbBytes(source), own)), stdin, { signal });
    filling.catch((error: unknown) => {
      // Whoever reads must not take what came for all there is.
      if (!isBrokenPipe(error)) stop.abort(error);
    });
    const stored = await storage.write(objectKey(request, dataObject), stdout, {
      signal,
      commit: async () => {
        await filling;
        await source.finished;
        await sink.finished;
      },
      onProgress: (bytes) => {
        work.progress({ note: `Dumping Redis of ${request.store}`, done: bytes, unit: 'bytes' });
      },
    });
    return stored;
  } catch (error) {
    work.signal.throwIfAborted();
    stop.abort(error);
    await Promise.allSettled([filling, ...programs.map(async ({ finished }) => await finished)]);
    throw explained(stop.signal.reason ?? error, live);
  } finally {
    await copy?.close();
  }
}

async function* copied(bytes: AsyncIterable<Buffer>, file: FileHandle): AsyncGenerator<Buffer> {
  for await (const chunk of bytes) {
    try {
      await file.writeFile(chunk);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      throw failure('NoSpace', {
        what: 'No space left for the copy of the dump that its contents are read from.',
        hint: 'Free space there, or set backup.scratchDirectory to a larger disk; then try the step again.',
        cause: error,
      });
    }
    yield chunk;
  }
}

/** redis-cli says why on its standard error. */
function explained(error: unknown, live: Live): unknown {
  const text =
    error instanceof Error ? `${error.message} ${(error as { lastLines?: string }).lastLines ?? ''}` : '';
  const isRefusal = /NOAUTH|WRONGPASS|NOPERM/.test(text);
  const isDown = /Could not connect|Connection refused|I\/O error|Server closed|Connection reset/i.test(text);
  return commandFailure(error, {
    what: `The dump of Redis of ${live.title} failed; nothing of it was stored`,
    type: isRefusal ? 'ConfigurationError' : isDown ? 'Unreachable' : 'CommandFailed',
    hint: isRefusal
      ? 'The user of the inventory needs +sync, +psync, +replconf and +ping.'
      : 'See that the server runs and can save; the step is tried again.',
    retryable: !isRefusal,
  });
}

function dumpCommand(live: Live) {
  return live.cli(['--rdb', '-'], longestMs);
}

function objectFacts(
  { backup }: DumpRequest,
  name: string,
): Pick<StoredObject, 'name' | 'compression' | 'encryption'> {
  return {
    name,
    compression: name.endsWith('.zst') ? 'zstd' : 'none',
    encryption: backup.encryption ? 'age' : 'none',
  };
}

/** The record of an earlier attempt, if all it lists is there. */
async function finishedRecord(
  storage: ObjectStorage,
  request: DumpRequest,
  signal: AbortSignal,
): Promise<ComponentRecord | undefined> {
  const bytes = await readSmall(storage, objectKey(request, recordObject), signal);
  if (!bytes) return undefined;
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
  const record = componentRecord.safeParse(json).data;
  if (!record || record.store !== request.store || record.type !== 'redis') return undefined;
  for (const object of record.objects) {
    const found = await storage.stat(objectKey(request, object.name));
    if (found?.bytes !== object.bytes) return undefined;
  }
  return record;
}

function objectKey(request: DumpRequest, name: string): string {
  return keys.object(request.system, request.backupId, request.store, name);
}
