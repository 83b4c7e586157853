/** Where bytes lie on a worker until they are used: a directory that nobody else can read or has prepared. */
import { lstat, mkdir, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Backup } from '../../inventory/schema/backup.ts';
import { failure } from '../failures.ts';

/** `name` is made of ids that were checked before: no path. */
export async function scratchDirectory(backup: Backup, name: string): Promise<string> {
  const own = `durable-runbooks-${String(process.getuid?.() ?? 'user')}`;
  const parent = backup.scratchDirectory ?? path.join(tmpdir(), own);
  await mkdir(parent, { recursive: true, mode: 0o700 });
  const directory = path.join(parent, name);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  // In a shared temporary directory somebody may have been there first, with a directory or a link of his own.
  for (const made of backup.scratchDirectory === undefined ? [parent, directory] : [directory]) {
    const facts = await lstat(made);
    const ours = process.getuid === undefined || facts.uid === process.getuid();
    if (facts.isDirectory() && ours && (facts.mode & 0o022) === 0) continue;
    throw failure('ConfigurationError', {
      what: `${made} is not a directory of ours alone: restored data would lie open there.`,
      hint: 'Remove it, or set backup.scratchDirectory to a private directory.',
      retryable: false,
    });
  }
  return directory;
}

/** Failure `NoSpace` when the disk of a directory has not that many bytes left. */
export async function assertSpace(directory: string, needed: number): Promise<void> {
  const { bavail, bsize } = await statfs(directory);
  const free = bavail * bsize;
  if (free >= needed) return;
  throw failure('NoSpace', {
    what: `${directory} has ${size(free)} free, and ${size(needed)} are needed. Nothing was fetched.`,
    hint: 'Free space there, or set backup.scratchDirectory to a larger disk; then try the step again.',
    details: { directory, needed, free },
  });
}

function size(bytes: number): string {
  if (bytes < 1024 * 1024) return `${Math.round(bytes / 1024).toLocaleString('en')} KiB`;
  return `${Math.round(bytes / 1024 / 1024).toLocaleString('en')} MiB`;
}
