/**
 * From a dump command into storage: the kernel joins the command to zstd (and age); only the compressed side passes through
 * here, and an object appears only when every one of them has exited well. For the way back see fetch.ts.
 */
import { type Command, type Running, start, startPiped } from '../../exec/index.ts';
import type { Backup } from '../../inventory/schema/backup.ts';
import { keys } from '../backups/manifest.ts';
import { failure } from '../failures.ts';
import type { ObjectStorage, StoredBytes } from '../storage/contract.ts';
import { StallGuard } from '../work.ts';
import { commandFailed } from './command-failed.ts';
import { once } from '../storage/small.ts';

export { type Fetched, fetchSmall, fetchVerified } from './fetch.ts';
export { readSmall } from '../storage/small.ts';

export interface Target {
  storage: ObjectStorage;
  key: string;
  backup: Backup;
  signal: AbortSignal;
}

export interface PipeRequest extends Target {
  /** Writes what is to be stored to its standard output. */
  producer: Command;
  /** Default true. */
  compress?: boolean;
  /** The object appears only once this has ended well. */
  after?: Promise<unknown>;
  /** Bytes stored so far. */
  onProgress?: (bytes: number) => void;
  /** Turns the producer's CommandError into a failure for people. */
  explain?: (error: unknown) => unknown;
}

export interface Piped extends StoredBytes {
  /** Bytes before compression; null when nothing was compressed, or zstd did not say. */
  plainBytes: number | null;
}

const dayMs = 86_400_000;

/** Without a byte for so long, a transfer is given up and tried again. A dump may wait this long for a lock or a slow query. */
export const stallMs = 600_000;

/** What a dump passes through: zstd, and age when the inventory asks for encryption. `compress` false leaves zstd out. */
export function wayIn({ compression, encryption }: Backup, compress = true): Command[] {
  const commands: Command[] = [];
  if (compress) {
    // -vv makes it tell the exact sizes at its end.
    const options = ['--no-progress', '-vv', '--stdout'];
    commands.push({
      argv: ['zstd', `-${compression.level}`, `-T${compression.threads}`, ...options],
      timeoutMs: dayMs,
    });
  }
  if (encryption) {
    const recipients = encryption.recipients.flatMap((recipient) => ['--recipient', recipient]);
    commands.push({ argv: ['age', '--encrypt', ...recipients], timeoutMs: dayMs });
  }
  return commands;
}

/** Never replaces an object: what a dead attempt left is removed beforehand (`removeStale`). */
export async function storePiped(request: PipeRequest): Promise<Piped> {
  const { storage, key, onProgress, explain = commandFailed('A dump failed') } = request;
  const guard = new StallGuard(request.signal, {
    afterMs: stallMs,
    what: `The dump to ${storage.locate(key)}`,
  });
  const { signal } = guard;
  let running: Running | undefined;
  let seen = 0;
  try {
    running = startPiped([request.producer, ...wayIn(request.backup, request.compress)], signal);
    const { finished, stdout } = running;
    if (!stdout) throw new TypeError('a pipe needs its output');
    const stored = await storage.write(key, stdout, {
      signal,
      commit: async () => {
        await finished;
        // However long that takes: nothing moves here any more.
        guard.stop();
        await request.after;
      },
      onProgress: (bytes) => {
        guard.moved(bytes - seen);
        seen = bytes;
        onProgress?.(bytes);
      },
    });
    return { ...stored, plainBytes: plainBytesOf((await finished).stderr) };
  } catch (error) {
    running?.stop('what it wrote could not be stored');
    if (signal.aborted && !request.signal.aborted) throw signal.reason as Error;
    // If a command failed first, that is the story; what storage says then only follows from it.
    const first = await running?.finished.then(
      () => error,
      (ended: unknown) => ((ended as { reason?: string }).reason === 'cancelled' ? error : ended),
    );
    throw explain(first ?? error);
  } finally {
    guard.stop();
  }
}

/** Small bytes: `contents.json`, records. With `encrypt`, as the inventory asks. */
export async function storeBytes(
  target: Target & { bytes: Uint8Array; encrypt: boolean },
): Promise<StoredBytes> {
  const { storage, key, backup, signal, bytes, encrypt } = target;
  const [age] = encrypt ? wayIn(backup, false) : [];
  if (!age) return await storage.write(key, once(bytes), { signal });
  try {
    const running = start({ ...age, stdin: bytes }, signal, { stdout: 'pipe' });
    if (!running.stdout) throw new TypeError('a pipe needs its output');
    return await storage.write(key, running.stdout, {
      signal,
      commit: async () => void (await running.finished),
    });
  } catch (error) {
    throw commandFailed('Encrypting with age failed')(error);
  }
}

/**
 * Removes what an earlier attempt of the same unfinished backup left of a store. Objects are then written only where there
 * is none, so that an attempt that was thought dead cannot replace what its successor wrote. Nor may it remove that: failure
 * `ObjectExists` once the backup has its manifest.
 */
export async function removeStale(
  storage: ObjectStorage,
  { system, backupId, store }: { system: string; backupId: string; store: string },
): Promise<void> {
  const manifest = keys.manifest(system, backupId);
  if (await storage.stat(manifest)) {
    throw failure('ObjectExists', {
      what: `Backup ${backupId} is finished (${storage.locate(manifest)} is there): this attempt to dump ${store} comes too late, and removed nothing.`,
      hint: 'Start a new backup.',
      retryable: false,
    });
  }
  const prefix = keys.object(system, backupId, store, '');
  await storage.abandonUploads(prefix);
  const left: string[] = [];
  for await (const entry of storage.list(prefix)) left.push(entry.key);
  for (const key of left) await storage.remove(key);
}

function plainBytesOf(stderr: string): number | null {
  const found = /\((\d+) B\s*=>\s*\d+ B/.exec(stderr);
  return found ? Number(found[1]) : null;
}
