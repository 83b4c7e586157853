/** Puts services' logs away: each compressed as one object, and an index with their hashes last. Originals stay. */
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { render, renderChain, startPiped } from '../../exec/index.ts';
import type { Destination } from '../../inventory/schema/backup.ts';
import { failure } from '../failures.ts';
import { openStorage } from '../storage/index.ts';
import { once, readSmall } from '../storage/small.ts';
import type { ObjectStorage, StoredBytes } from '../storage/contract.ts';
import type { Work } from '../stores/contract.ts';
import { commandFailure, type Effect, StallGuard } from '../work.ts';
import type { Platform, ServiceRequest } from './contract.ts';

export interface ArchiveRequest {
  system: string;
  stateDirectory: string;
  services: ServiceRequest[];
  destination: Destination | null;
  /** Names the archive; the same on every attempt. */
  archive: string;
}

export interface Archived {
  location: string;
  /** As stored, of all files. */
  bytes: number;
  /** Of the index, which holds every file's own. */
  sha256: string;
  files: number;
}

interface LogFile {
  service: string;
  path: string;
  key: string;
  /** Its length when the archive was begun: what is written later is not in it. */
  size: number;
}

interface Index {
  version: 1;
  system: string;
  archive: string;
  files: { service: string; path: string; object: string; size: number; bytes: number; sha256: string }[];
}

/** Bytes; a file needs some 300. */
const largestIndex = 64 * 1024 * 1024;
const stallMs = 60_000;
const fileWithinMs = 6 * 3_600_000;

export function archiving(platform: Platform): Effect<ArchiveRequest, Archived> {
  return {
    async observe(request, work) {
      const storage = await openStorage(destinationOf(request));
      const key = keyOf(request, 'index.json');
      if (await storage.stat(key)) return { done: await archivedBefore(storage, key, work) };
      const files = await logFiles(platform, request, work);
      return {
        todo: files.map((file) => `${renderChain(chain(file))} > ${render([storage.locate(file.key)])}`),
        foreseen: { location: storage.locate(key), bytes: 0, sha256: '', files: files.length },
      };
    },

    async act(request, work) {
      const storage = await openStorage(destinationOf(request));
      // What an attempt that was killed had begun to write.
      await storage.abandonUploads(keyOf(request, ''));
      const files = await logFiles(platform, request, work);
      const index: Index = { version: 1, system: request.system, archive: request.archive, files: [] };
      for (const [done, file] of files.entries()) {
        work.progress({
          note: `${file.service}: ${path.basename(file.path)}`,
          done,
          total: files.length,
          unit: 'items',
        });
        const stored = await store(storage, file, request, work);
        index.files.push({
          service: file.service,
          path: file.path,
          object: file.key,
          size: file.size,
          ...stored,
        });
      }
      // Last: where there is an index, everything it names is there.
      const key = keyOf(request, 'index.json');
      const text = Buffer.from(`${JSON.stringify(index, null, 2)}\n`);
      const { sha256 } = await storage.write(key, once(text), { signal: work.signal, ifAbsent: false });
      return summary(storage, key, index, sha256);
    },
  };
}

function destinationOf({ destination, stateDirectory }: ArchiveRequest): Destination {
  return destination ?? { type: 'filesystem', directory: path.join(stateDirectory, 'archives') };
}

function keyOf({ system, archive }: ArchiveRequest, name: string): string {
  return `${system}/logs/${archive}/${name}`;
}

async function logFiles(platform: Platform, request: ArchiveRequest, work: Work): Promise<LogFile[]> {
  const found: LogFile[] = [];
  for (const service of request.services) {
    for (const file of await platform.logs(service, work)) {
      const { size } = await stat(file);
      const key = keyOf(request, `${service.service}-${path.basename(file)}.zst`);
      found.push({ service: service.service, path: file, key, size });
    }
  }
  return found;
}

/** `head` bounds it: a log that grows while it is read would otherwise have no end. */
function chain({ path: file, size }: LogFile): [[string, ...string[]], [string, ...string[]]] {
  return [
    ['head', '-c', String(size), '--', file],
    ['zstd', '-q', '-c', '-3'],
  ];
}

async function store(
  storage: ObjectStorage,
  file: LogFile,
  request: ArchiveRequest,
  work: Work,
): Promise<StoredBytes> {
  const guard = new StallGuard(work.signal, { afterMs: stallMs, what: `Archiving ${file.path}` });
  const [head, zstd] = chain(file).map((argv) => ({ argv, timeoutMs: fileWithinMs })) as [
    { argv: [string, ...string[]]; timeoutMs: number },
    { argv: [string, ...string[]]; timeoutMs: number },
  ];
  try {
    const running = startPiped([head, zstd], guard.signal);
    return await storage.write(file.key, watched(running.stdout as AsyncIterable<Uint8Array>, guard), {
      signal: guard.signal,
      // Without an index this is the rest of an attempt that did not get to its end.
      ifAbsent: false,
      commit: async () => {
        await running.finished;
      },
    });
  } catch (error) {
    throw commandFailure(guard.signal.aborted ? guard.signal.reason : error, {
      what: `${request.system}: the log ${file.path} of ${file.service} could not be archived`,
      hint: 'Its original is untouched. The step is tried again.',
    });
  } finally {
    guard.stop();
  }
}

async function archivedBefore(storage: ObjectStorage, key: string, work: Work): Promise<Archived> {
  const text = (await readSmall(storage, key, work.signal, largestIndex)) ?? Buffer.alloc(0);
  try {
    const index = JSON.parse(text.toString('utf8')) as Index;
    return summary(storage, key, index, createHash('sha256').update(text).digest('hex'));
  } catch {
    throw failure('BackupDamaged', {
      what: `The index of an archive of logs cannot be read: ${storage.locate(key)}.`,
      hint: 'Move it away; the step then archives again.',
      retryable: false,
    });
  }
}

function summary(storage: ObjectStorage, key: string, index: Index, sha256: string): Archived {
  const bytes = index.files.reduce((sum, file) => sum + file.bytes, 0);
  return { location: storage.locate(key), bytes, sha256, files: index.files.length };
}

async function* watched(body: AsyncIterable<Uint8Array>, guard: StallGuard): AsyncIterable<Uint8Array> {
  for await (const chunk of body) {
    guard.moved(chunk.length);
    yield chunk;
  }
}
