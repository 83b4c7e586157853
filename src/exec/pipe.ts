/**
 * Pipes of the kernel. Node itself joins programs by sockets, which answer a reader's early end with "connection reset" where
 * programs expect a broken pipe, and which cannot be opened as /dev/stdin.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { findProgram } from './environment.ts';

export interface Pipe {
  /** File descriptors of this process, to be given to the two programs and closed here at once. */
  read: number;
  write: number;
}

/** A nameless pipe: made as a FIFO in a directory of ours alone, opened at both ends, and its name removed again. */
export function makePipe(): Pipe {
  const mkfifo = findProgram('mkfifo');
  if (mkfifo === undefined)
    throw new Error('there is no mkfifo on the PATH (part of coreutils, as of every POSIX system)');
  const directory = mkdtempSync(path.join(tmpdir(), 'pipe-'));
  const fifo = path.join(directory, 'fifo');
  let read: number | undefined;
  try {
    const made = spawnSync(mkfifo, ['-m', '600', '--', fifo], {
      stdio: ['ignore', 'ignore', 'pipe'],
      encoding: 'utf8',
    });
    if (made.status !== 0) throw new Error(`mkfifo failed: ${made.error?.message ?? made.stderr.trim()}`);
    // Without O_NONBLOCK the first opening would wait for the second. The program that reads gets it switched off again.
    read = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
    return { read, write: openSync(fifo, constants.O_WRONLY) };
  } catch (error) {
    if (read !== undefined) closeSync(read);
    throw error;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
