/**
 * A directory as object storage. An object is written to an unfinished file beside its place, synchronised, and only then
 * linked under its name: it appears whole or not at all, also when the power fails. Links that lead elsewhere are refused.
 */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import {
  type FileHandle,
  link,
  lstat,
  mkdir,
  open,
  opendir,
  readdir,
  realpath,
  rename,
  rmdir,
  unlink,
} from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { ApplicationFailure } from '@temporalio/common';
import type { FilesystemDestination } from '../../inventory/schema/backup.ts';
import { failure } from '../failures.ts';
import type { ObjectEntry, ObjectStorage, ReadOptions, StoredBytes, WriteOptions } from './contract.ts';
import { noSpace, objectExists, objectMissing } from './errors.ts';
import { exactly, untilAborted } from './flow.ts';
import { checkPrefix, partialSuffix, segmentsOf } from './key.ts';
import { isAbandoned, newPartial } from './partial.ts';

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } = constants;

/** Opens the destination, making its directory (0700) if it is missing. */
export async function openFilesystem(destination: FilesystemDestination): Promise<ObjectStorage> {
  const directory = path.resolve(destination.directory);
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    return new FilesystemStorage(await realpath(directory));
  } catch (error) {
    throw failure('ConfigurationError', {
      what: `The backup destination ${directory} cannot be used: ${(error as Error).message}.`,
      hint: 'It has to be a directory that the worker may write to. Correct backup.destination.directory in the inventory, or the rights.',
      cause: error,
    });
  }
}

class FilesystemStorage implements ObjectStorage {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  locate(key: string): string {
    return path.join(this.#root, ...segmentsOf(key));
  }

  async write(key: string, body: AsyncIterable<Uint8Array>, options: WriteOptions): Promise<StoredBytes> {
    const { signal, ifAbsent = true, commit, onProgress } = options;
    const target = this.locate(key);
    const hash = createHash('sha256');
    let bytes = 0;
    // While the body or `commit` runs, an error is theirs and says more than we could.
    let ours = true;
    try {
      if (ifAbsent && (await this.stat(key))) throw objectExists(target);
      const partial = newPartial();
      const unfinished = path.join(path.dirname(target), partial.name);
      const file = await this.#create(key, unfinished);
      let appeared = false;
      try {
        try {
          ours = false;
          for await (const chunk of untilAborted(body, signal)) {
            ours = true;
            hash.update(chunk);
            await writeAll(file, chunk);
            bytes += chunk.length;
            onProgress?.(bytes);
            ours = false;
          }
          ours = true;
          await file.sync();
        } finally {
          await file.close();
        }
        ours = false;
        await commit?.();
        ours = true;
        signal.throwIfAborted();
        if (ifAbsent) await link(unfinished, target);
        else await rename(unfinished, target);
        appeared = true;
      } finally {
        await unlink(unfinished).catch(ignore('ENOENT'));
        partial.forget();
        if (!appeared) await this.#removeEmpty(path.dirname(target));
      }
      await synchronise(path.dirname(target));
      return { bytes, sha256: hash.digest('hex') };
    } catch (error) {
      throw ours ? this.#explain(error, 'write', target, bytes, signal) : error;
    }
  }

  async read(key: string, { signal, offset = 0 }: ReadOptions): Promise<Readable> {
    const target = this.locate(key);
    try {
      signal.throwIfAborted();
      await this.#assertInside(key);
      const file = await open(target, O_RDONLY | O_NOFOLLOW);
      try {
        const found = await file.stat();
        if (!found.isFile()) throw notAFile(target);
        if (offset > found.size) throw beyondTheEnd(target, offset, found.size);
        const source = file.createReadStream({ start: offset, highWaterMark: 256 * 1024 });
        return exactly(source, found.size - offset, target, signal);
      } catch (error) {
        await file.close();
        throw error;
      }
    } catch (error) {
      if (isCode(error, 'ENOENT', 'ENOTDIR')) throw objectMissing(target);
      throw this.#explain(error, 'read', target, 0, signal);
    }
  }

  async stat(key: string): Promise<ObjectEntry | undefined> {
    const target = this.locate(key);
    try {
      await this.#assertInside(key);
      const found = await lstat(target);
      if (found.isDirectory()) return undefined;
      if (!found.isFile()) throw notAFile(target);
      return { key, bytes: found.size, modifiedAt: found.mtime };
    } catch (error) {
      if (isCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
      throw this.#explain(error, 'look at', target, 0);
    }
  }

  async *list(prefix: string): AsyncIterable<ObjectEntry> {
    checkPrefix(prefix);
    for await (const { key, file } of this.#walk(prefix)) {
      if (key.endsWith(partialSuffix)) continue;
      const found = await lstat(file).catch(ignore('ENOENT'));
      if (found?.isFile()) yield { key, bytes: found.size, modifiedAt: found.mtime };
    }
  }

  async remove(key: string): Promise<void> {
    const target = this.locate(key);
    try {
      await this.#assertInside(key);
      await unlink(target);
      await synchronise(path.dirname(target));
      await this.#removeEmpty(path.dirname(target));
    } catch (error) {
      if (isCode(error, 'ENOENT', 'ENOTDIR')) return;
      throw this.#explain(error, 'remove', target, 0);
    }
  }

  async abandonUploads(prefix: string): Promise<number> {
    checkPrefix(prefix);
    let removed = 0;
    for await (const { key, file } of this.#walk(prefix.slice(0, prefix.lastIndexOf('/') + 1))) {
      if (!key.endsWith(partialSuffix)) continue;
      const found = await lstat(file).catch(ignore('ENOENT'));
      if (!found || !isAbandoned(path.basename(file), found.mtime)) continue;
      await unlink(file).catch(ignore('ENOENT'));
      await this.#removeEmpty(path.dirname(file));
      removed += 1;
    }
    return removed;
  }

  /** Opens the unfinished file, making its directories. Again, when another's removal took an empty one away meanwhile. */
  async #create(key: string, unfinished: string): Promise<FileHandle> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.#makeDirectories(segmentsOf(key).slice(0, -1));
        await this.#assertInside(key);
        return await open(unfinished, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, 0o600);
      } catch (error) {
        if (!isCode(error, 'ENOENT') || attempt === 5) throw error;
      }
    }
  }

  async #makeDirectories(segments: readonly string[]): Promise<void> {
    let directory = this.#root;
    for (const segment of segments) {
      const parent = directory;
      directory = path.join(parent, segment);
      const made = await mkdir(directory, { mode: 0o700 }).then(() => true, ignore('EEXIST'));
      if (made) await synchronise(parent);
    }
  }

  /** No part of the way to the key may be a symbolic link: it could lead out of the destination. */
  async #assertInside(key: string): Promise<void> {
    const parent = path.dirname(this.locate(key));
    const actual = await realpath(parent);
    if (actual === parent) return;
    throw failure('StorageFailed', {
      what: `${parent} is or goes through a symbolic link (to ${actual}): nothing was read or written there.`,
      hint: 'Find out who made the link; a backup destination holds plain directories and files only.',
      retryable: false,
    });
  }

  async *#walk(prefix: string): AsyncGenerator<{ key: string; file: string }> {
    const start = prefix.slice(0, prefix.lastIndexOf('/') + 1);
    const pending = [start];
    for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
      const entries = await opendir(path.join(this.#root, directory)).catch(ignore('ENOENT', 'ENOTDIR'));
      if (!entries) continue;
      for await (const entry of entries) {
        const key = directory + entry.name;
        if (!key.startsWith(prefix) && !`${key}/`.startsWith(prefix)) continue;
        if (entry.isDirectory()) pending.push(`${key}/`);
        else if (entry.isFile()) yield { key, file: path.join(this.#root, key) };
      }
    }
  }

  async #removeEmpty(directory: string): Promise<void> {
    for (let at = directory; at.startsWith(this.#root + path.sep); at = path.dirname(at)) {
      const left = await readdir(at).catch(ignore('ENOENT'));
      if (left && left.length > 0) return;
      await rmdir(at).catch(ignore('ENOENT', 'ENOTEMPTY', 'EEXIST'));
    }
  }

  #explain(error: unknown, verb: string, target: string, bytes: number, signal?: AbortSignal): unknown {
    if (error instanceof ApplicationFailure || signal?.aborted) return error;
    const code = (error as NodeJS.ErrnoException | undefined)?.code;
    if (code === 'ENOSPC' || code === 'EDQUOT') return noSpace(target, bytes, error);
    if (code === 'EEXIST') return objectExists(target);
    return failure('StorageFailed', {
      what: `Could not ${verb} ${target}: ${(error as Error).message}.`,
      hint:
        code === 'EACCES' || code === 'EPERM'
          ? 'Look at the owner and the rights of the destination.'
          : 'Look at the destination: is it mounted, and healthy?',
      cause: error,
    });
  }
}

async function writeAll(file: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let done = 0; done < chunk.length;) {
    const { bytesWritten } = await file.write(chunk, done, chunk.length - done);
    done += bytesWritten;
  }
}

/** Makes names in the directory survive a power failure. */
async function synchronise(directory: string): Promise<void> {
  const handle = await open(directory, O_RDONLY | O_DIRECTORY).catch(ignore('ENOENT'));
  if (!handle) return;
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function isCode(error: unknown, ...codes: string[]): boolean {
  return codes.includes((error as NodeJS.ErrnoException | undefined)?.code ?? '');
}

/** For `catch`: these codes are expected and answered with nothing. */
function ignore(...codes: string[]): (error: unknown) => undefined {
  return (error) => {
    if (!isCode(error, ...codes)) throw error;
  };
}

function notAFile(target: string) {
  return failure('StorageFailed', {
    what: `${target} is not a plain file: it is not touched.`,
    hint: 'Find out who made it.',
    retryable: false,
  });
}

function beyondTheEnd(target: string, offset: number, size: number) {
  return failure('StorageFailed', {
    what: `${target} has ${size} bytes; reading cannot start at ${offset}.`,
    retryable: false,
  });
}
