/** Names of unfinished files: unique, and telling who writes them, so that a dead writer's can be removed at once. */
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { partialSuffix } from './key.ts';

/** Files of a writer that cannot be asked are left alone for so long, in milliseconds. */
const patience = 60 * 60_000;

/** Unfinished files of this process that are being written now. */
const open = new Set<string>();

/** Where a process id means the same process: this boot of this machine, and this container of it. */
const scope = createHash('sha256')
  .update(
    [
      hostname(),
      from(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')),
      from(() => readlinkSync('/proc/self/ns/pid')),
    ].join('\n'),
  )
  .digest('hex')
  .slice(0, 12);

export function newPartial(): { name: string; forget: () => void } {
  const name = `.${scope}-${process.pid}-${randomBytes(8).toString('hex')}${partialSuffix}`;
  open.add(name);
  return { name, forget: () => open.delete(name) };
}

/** True when whoever wrote the file is certainly, or after an hour without a change most likely, gone. */
export function isAbandoned(name: string, modifiedAt: Date, now = Date.now()): boolean {
  if (open.has(name)) return false;
  const [, itsScope, pid] = /^\.([0-9a-f]{12})-(\d+)-[0-9a-f]{16}\.partial$/.exec(name) ?? [];
  if (itsScope === scope && (Number(pid) === process.pid || !isAlive(Number(pid)))) return true;
  return now - modifiedAt.getTime() > patience;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function from(read: () => string): string {
  try {
    return read();
  } catch {
    return ''; // Not Linux: the host's name has to do.
  }
}
