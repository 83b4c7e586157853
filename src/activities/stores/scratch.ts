/** Where bytes lie on a worker until they are used: a directory that nobody else can read or has prepared. */
import { createHash } from 'node:crypto';
import { lstat, mkdir, readdir, rm, stat, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Backup } from '../../inventory/schema/backup.ts';
import { failure } from '../failures.ts';
import type { RestoreRequest, Work } from './contract.ts';

/** Milliseconds after which nobody comes back for what a drill fetched. */
const forgottenAfter = 7 * 86_400_000;

/**
 * What a restore's scratch directory is called: the same on every attempt, so that it goes on from what is there. Of one
 * system only one restore can be under way, but any number of drills.
 */
export function spoolName({ backupId, store, purpose }: RestoreRequest, { call }: Work): string {
  const name = `${backupId}-${store}-${purpose}`;
  return purpose === 'drill'
    ? `${name}-${createHash('sha256').update(call.key).digest('hex').slice(0, 8)}`
    : name;
}

/** Removes what drills beside this directory left when they were given up. */
export async function removeForgotten(directory: string): Promise<void> {
  const parent = path.dirname(directory);
  for (const entry of await readdir(parent)) {
    const other = path.join(parent, entry);
    if (other === directory || !/-drill-[0-9a-f]{8}$/.test(entry)) continue;
    const files = [other, ...['stored', 'unpacked', 'verified'].map((name) => path.join(other, name))];
    const times = await Promise.all(
      files.map(async (file) => (await stat(file).catch(() => undefined))?.mtimeMs ?? 0),
    );
    if (Date.now() - Math.max(...times) > forgottenAfter) await rm(other, { recursive: true, force: true });
  }
}

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
