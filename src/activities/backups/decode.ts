/** From stored bytes to plain ones: age, then zstd, as programs joined by the kernel. */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { type Command, CommandError, isBrokenPipe, startPiped } from '../../exec/index.ts';
import { failure } from '../failures.ts';
import { resolveSecret } from '../secrets.ts';
import { commandFailure } from '../work.ts';
import type { StoredObject } from './manifest.ts';

/** Milliseconds; an object of terabytes takes hours. A hanging program ends with the activity's heartbeat time-out. */
const decodeTimeout = 7 * 24 * 60 * 60_000;

/** The programs for an object; undefined when it is encrypted and no identity is given. */
export function decoders(object: StoredObject, identityFile: string | undefined): Command[] | undefined {
  const commands: Command[] = [];
  if (object.encryption === 'age') {
    if (identityFile === undefined) return undefined;
    commands.push({ argv: ['age', '--decrypt', '--identity', identityFile], timeoutMs: decodeTimeout });
  }
  if (object.compression === 'zstd')
    commands.push({ argv: ['zstd', '--decompress', '--stdout', '--quiet'], timeoutMs: decodeTimeout });
  return commands;
}

/**
 * Gives `use` the path of the identity's file; one made for it (0600) is gone afterwards. Failure `ConfigurationError` when
 * there is none to be had: `age` would only say that the object does not open, which is no fault of the object's.
 */
export async function withIdentity<Result>(
  reference: string | undefined,
  use: (file: string | undefined) => Promise<Result>,
): Promise<Result> {
  if (reference === undefined) return await use(undefined);
  if (reference.startsWith('file:')) {
    const file = reference.slice('file:'.length);
    await access(file, constants.R_OK).catch((error: NodeJS.ErrnoException) => {
      throw failure('ConfigurationError', {
        what: `The age identity ${file} cannot be read (${error.code ?? error.message}): the backup was not looked at.`,
        hint: 'Correct backup.encryption.identity, or put the file in its place; the worker’s account must be able to read it.',
        retryable: false,
      });
    });
    return await use(file);
  }
  const directory = await mkdtemp(path.join(tmpdir(), 'runbook-identity-'));
  try {
    const file = path.join(directory, 'identity');
    await writeFile(file, `${await resolveSecret(reference)}\n`, { mode: 0o600 });
    return await use(file);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

export interface ReadThrough {
  /** Of the stored bytes. */
  bytes: number;
  sha256: string;
  /** Why the plain bytes did not come to a proper end; absent when they did. */
  undecodable?: string;
}

/**
 * Reads the stored bytes to their end, whatever becomes of the decoding, and hands on the plain ones as they come. One
 * reading of the storage serves both. Throws when the storage fails, never for what the bytes are.
 */
export async function readThrough(
  source: Readable,
  commands: readonly Command[] | undefined,
  signal: AbortSignal,
  onStored: (bytes: number) => void,
  onPlain: (chunk: Buffer) => Promise<void>,
): Promise<ReadThrough> {
  const hash = createHash('sha256');
  let bytes = 0;
  const [first, ...others] = commands ?? [];
  const running = first ? startPiped([first, ...others], signal, { stdin: 'pipe' }) : undefined;
  const decoded = running ? decode(running.stdout, running.finished, onPlain) : Promise.resolve(undefined);
  running?.stdin?.on('error', () => {}); // A program that ends early says why itself.
  let storageFailed = false;
  let failedInside: { reason: unknown } | undefined;
  decoded.catch((reason: unknown) => {
    if (!storageFailed) failedInside = { reason };
    source.destroy();
  });
  try {
    for await (const chunk of source as AsyncIterable<Buffer>) {
      hash.update(chunk);
      bytes += chunk.length;
      onStored(bytes);
      if (running) await feed(running.stdin, chunk);
      else if (commands) await onPlain(chunk);
    }
    running?.stdin?.end();
  } catch (error) {
    storageFailed = true;
    running?.stop('the object was not read to its end');
    await decoded.catch(() => {});
    // What went wrong with the plain bytes ended the source: that is the story, not the source's end.
    throw failedInside ? failedInside.reason : error;
  }
  const undecodable = await decoded;
  return { bytes, sha256: hash.digest('hex'), ...(undecodable === undefined ? {} : { undecodable }) };
}

/** The plain bytes to their end; answers what the programs complained of. */
async function decode(
  plain: Readable | null,
  finished: Promise<unknown>,
  onPlain: (chunk: Buffer) => Promise<void>,
): Promise<string | undefined> {
  finished.catch(() => {});
  try {
    for await (const chunk of (plain ?? []) as AsyncIterable<Buffer>) await onPlain(chunk);
    await finished;
    return undefined;
  } catch (error) {
    if (error instanceof CommandError && error.reason === 'exit') return complaintOf(error);
    throw error;
  }
}

/**
 * What a program that reads a backup says of its bytes. Throws when it says something of this machine instead (it was
 * killed, had no memory or no fitting identity): that must never pass for damage of the backup.
 */
export function complaintOf(error: CommandError): string {
  const wasKilled = error.signalName === 'SIGKILL' || error.signalName === 'SIGTERM';
  if (wasKilled || /not enough memory|out of memory|cannot allocate/i.test(error.lastLines)) {
    throw commandFailure(error, {
      what: 'A program that reads the backup was ended or had no memory, which says nothing of the backup',
      hint: 'See whether the machine runs out of memory; the step is tried again.',
    });
  }
  if (/^age: .*(?:identity|identities)/m.test(error.lastLines)) {
    throw commandFailure(error, {
      what: 'The age identity of this worker does not open the backup, which says nothing of the backup',
      type: 'ConfigurationError',
      hint: 'Let backup.encryption.identity name the identity that belongs to the recipients it was encrypted for.',
      retryable: false,
    });
  }
  return error.lastLines.trim().split('\n').at(-1) || error.what;
}

/** Writes and waits until it is taken. A program that no longer reads is no error here: its end tells why. */
export async function feed(stdin: Writable | null, chunk: Buffer): Promise<void> {
  if (!stdin || stdin.destroyed || stdin.errored) return;
  await new Promise<void>((resolve, reject) => {
    stdin.write(chunk, (error) => {
      if (error && !isBrokenPipe(error)) reject(error);
      else resolve();
    });
  });
}
