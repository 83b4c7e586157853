/**
 * From storage to a file that may be used: the stored bytes are kept beside it and hashed; only when they are what the
 * manifest says does the unpacked file get its name. What was fetched before a crash is hashed again and not fetched again.
 */
import { createHash, type Hash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { type Command, type Running, run, startPiped } from '../../exec/index.ts';
import type { Backup } from '../../inventory/schema/backup.ts';
import type { StoredObject } from '../backups/manifest.ts';
import { failure } from '../failures.ts';
import { resolveSecret } from '../secrets.ts';
import type { ObjectStorage } from '../storage/contract.ts';
import { readSmall } from '../storage/small.ts';
import { StallGuard } from '../work.ts';
import { commandFailed } from './command-failed.ts';
import { assertSpace, removeForgotten, scratchDirectory } from './scratch.ts';

export interface FetchRequest {
  storage: ObjectStorage;
  key: string;
  object: StoredObject;
  backup: Backup;
  /** Names the scratch directory; see `spoolName`. */
  spool: string;
  /** Bytes it will have unpacked, as far as is known. */
  plainBytes: number;
  signal: AbortSignal;
  onProgress?: (bytes: number, total: number) => void;
}

export interface Fetched {
  file: string;
  /** Gives the space back. */
  remove(): Promise<void>;
}

const dayMs = 86_400_000;
/** Without a byte for so long, fetching is given up and tried again: it goes on from what is there. */
const stallMs = 120_000;

/** Failures: `NoSpace` before a byte is fetched, `BackupDamaged` when the bytes are not those of the manifest. */
export async function fetchVerified(request: FetchRequest): Promise<Fetched> {
  const directory = await scratchDirectory(request.backup, request.spool);
  await removeForgotten(directory);
  const [packed, unpacked] = [path.join(directory, 'stored'), path.join(directory, 'unpacked')];
  const [havePacked, haveUnpacked] = [await sizeOf(packed), await sizeOf(unpacked)];
  await assertSpace(
    directory,
    Math.max(0, request.object.bytes - havePacked) + Math.max(0, request.plainBytes - haveUnpacked),
  );
  const encrypted = request.object.encryption === 'age';
  // Unpacked while it comes in, into a file that is not believed yet. What is encrypted is decrypted once it is all there.
  const unpacking = encrypted ? undefined : startUnpacking(request, unpacked);
  try {
    await fetchPacked(request, packed, unpacking);
    await unpacking?.finish();
  } catch (error) {
    unpacking?.stop();
    throw error;
  }
  if (encrypted) await decrypt(request, packed, unpacked);
  const file = path.join(directory, 'verified');
  await rename(unpacked, file);
  return { file, remove: async () => await rm(directory, { recursive: true, force: true }) };
}

/** A small stored object, verified and (if need be) decrypted, in memory. */
export async function fetchSmall(
  request: Omit<FetchRequest, 'spool' | 'plainBytes'>,
  limit = 64 * 1024 * 1024,
): Promise<Buffer> {
  const { storage, key, object, backup, signal } = request;
  const bytes = await readSmall(storage, key, signal, limit);
  if (!bytes) throw damaged(storage.locate(key), 'is missing, and the manifest lists it');
  if (bytes.length !== object.bytes || createHash('sha256').update(bytes).digest('hex') !== object.sha256) {
    throw damaged(storage.locate(key), 'is not what the manifest says');
  }
  if (object.encryption === 'none') return bytes;
  // Its own: another run may be reading the same object.
  const file = path.join(await scratchDirectory(backup, `small-${randomUUID()}`), 'stored');
  try {
    await (await openForWriting(file, bytes)).close();
    const { stdout } = await run({ ...(await decryption(backup, file)), keepBytes: limit }, signal);
    return Buffer.from(stdout, 'utf8');
  } catch (error) {
    throw commandFailed(`${storage.locate(key)} could not be decrypted`)(error);
  } finally {
    await rm(path.dirname(file), { recursive: true, force: true });
  }
}

interface Unpacking {
  write(chunk: Uint8Array): Promise<void>;
  finish(): Promise<void>;
  stop(): void;
}

/** Hashes what is there already, then what comes; hands all of it to the unpacker. */
async function fetchPacked(
  request: FetchRequest,
  packed: string,
  unpacking: Unpacking | undefined,
): Promise<void> {
  const { storage, key, object } = request;
  const guard = new StallGuard(request.signal, { afterMs: stallMs, what: `Fetching ${storage.locate(key)}` });
  const hash = createHash('sha256');
  let found: { had: number; bytes: number };
  try {
    found = await takeAll(request, packed, guard, hash, unpacking);
  } catch (error) {
    if (guard.signal.aborted && !request.signal.aborted) throw guard.signal.reason;
    throw isFull(error) ? noSpace(packed, error) : error;
  } finally {
    guard.stop();
  }
  const { had, bytes } = found;
  if (bytes < object.bytes) {
    throw failure('StorageFailed', {
      what: `${storage.locate(key)} ended after ${bytes} of ${object.bytes} bytes.`,
      hint: 'The step is tried again and goes on from there; if it ends at the same place, the object is cut off.',
      details: { bytes },
    });
  }
  if (bytes === object.bytes && hash.digest('hex') === object.sha256) return;
  // Nothing of it is worth anything to a later attempt: perhaps it was damaged on the way.
  await rm(packed, { force: true });
  if (had === 0) throw damaged(storage.locate(key), 'is not what the manifest says: its SHA-256 differs');
  throw failure('StorageFailed', {
    what: `${storage.locate(key)}, of which ${had} bytes were in ${packed} already, is not what the manifest says: its SHA-256 differs. What was there is removed.`,
    hint: 'The step is tried again and fetches all of it: that tells whether the backup is damaged, or only what was left here.',
  });
}

/** The bytes that are there already, then those that storage has after them: hashed, handed on and kept. */
async function takeAll(
  { storage, key, object, onProgress }: FetchRequest,
  packed: string,
  guard: StallGuard,
  hash: Hash,
  unpacking: Unpacking | undefined,
): Promise<{ had: number; bytes: number }> {
  const { signal } = guard;
  let bytes = 0;
  const take = async (chunk: Uint8Array) => {
    hash.update(chunk);
    bytes += chunk.length;
    guard.moved(chunk.length);
    onProgress?.(bytes, object.bytes);
    await unpacking?.write(chunk);
  };
  if ((await sizeOf(packed)) > object.bytes) await rm(packed);
  else if ((await sizeOf(packed)) > 0)
    for await (const chunk of createReadStream(packed, { signal })) await take(chunk as Buffer);
  const had = bytes;
  const file = await open(packed, 'a', 0o600);
  try {
    if (bytes < object.bytes) {
      for await (const chunk of await storage.read(key, { signal, offset: bytes })) {
        // All of it: on a disk that is nearly full `write` takes a part and says nothing.
        await file.writeFile(chunk as Buffer);
        await take(chunk as Buffer);
        if (bytes > object.bytes) break;
      }
    }
  } finally {
    await file.close();
  }
  return { had, bytes };
}

function isFull(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException | undefined)?.code ?? '');
}

function noSpace(file: string, cause: unknown) {
  return failure('NoSpace', {
    what: `No space left for ${file}, into which the backup is fetched.`,
    hint: 'Free space there, or set backup.scratchDirectory to a larger disk; then try the step again: it goes on from what was fetched.',
    cause,
  });
}

function startUnpacking(request: FetchRequest, unpacked: string): Unpacking {
  const explain = commandFailed(`${request.storage.locate(request.key)} could not be unpacked`);
  const running = startPiped([unpackTo(request, unpacked)], request.signal, {
    stdin: 'pipe',
    stdout: 'keep',
  });
  // Told when `finish` asks for it, and by nobody before.
  running.finished.catch(() => undefined);
  return {
    write: async (chunk) => await written(running, chunk),
    finish: async () => {
      running.stdin?.end();
      try {
        await running.finished;
      } catch (error) {
        throw explain(error);
      }
    },
    stop: () => running.stop('what it was to unpack could not be fetched'),
  };
}

/** Waits for room. A program that has ended takes no more: how it ended is told by `finish`. */
async function written(running: Running, chunk: Uint8Array): Promise<void> {
  const { stdin } = running;
  if (!stdin?.writable || stdin.write(chunk)) return;
  await new Promise<void>((resolve) => {
    const settle = () => {
      for (const event of ['drain', 'close', 'error']) stdin.off(event, settle);
      resolve();
    };
    for (const event of ['drain', 'close', 'error']) stdin.on(event, settle);
    if (!stdin.writable) settle();
  });
}

async function decrypt(request: FetchRequest, packed: string, unpacked: string): Promise<void> {
  try {
    const commands: [Command, Command] = [
      await decryption(request.backup, packed),
      unpackTo(request, unpacked),
    ];
    await startPiped(commands, request.signal, { stdout: 'keep' }).finished;
  } catch (error) {
    throw commandFailed(`${request.storage.locate(request.key)} could not be decrypted and unpacked`)(error);
  }
}

function unpackTo({ object }: FetchRequest, file: string): Command {
  const argv: [string, ...string[]] =
    object.compression === 'zstd'
      ? ['zstd', '--decompress', '--quiet', '--force', '-o', file]
      : ['dd', 'bs=1M', 'status=none', `of=${file}`];
  return { argv, timeoutMs: dayMs };
}

/** The identity goes in through standard input: it never lies in a file of ours. */
async function decryption(backup: Backup, file: string): Promise<Command> {
  const reference = backup.encryption?.identity;
  if (reference === undefined) {
    throw failure('ConfigurationError', {
      what: 'The backup is encrypted, and the inventory names no identity to decrypt it with.',
      hint: 'Set backup.encryption.identity to a reference to the age identity.',
      retryable: false,
    });
  }
  const identity = await resolveSecret(reference);
  return {
    argv: ['age', '--decrypt', '--identity', '-', '--', file],
    stdin: identity,
    secrets: [identity],
    timeoutMs: dayMs,
  };
}

async function openForWriting(file: string, bytes: Uint8Array) {
  const handle = await open(file, 'w', 0o600);
  await handle.writeFile(bytes);
  return handle;
}

async function sizeOf(file: string): Promise<number> {
  return (await stat(file).catch(() => undefined))?.size ?? 0;
}

function damaged(location: string, what: string) {
  return failure('BackupDamaged', {
    what: `${location} ${what}. Nothing of it was used.`,
    hint: 'Use another backup (`runbook backups`), and find out who or what changed this one.',
    retryable: false,
  });
}
