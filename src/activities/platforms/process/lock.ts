/** Only one start of a service at a time on this machine, also when a worker that was given up still acts. */
import { readlinkSync } from 'node:fs';
import { rename, rm, symlink } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { randomUUID } from 'node:crypto';
import { isAlive, processStat } from '../../../exec/index.ts';
import { failure } from '../../failures.ts';
import type { Work } from '../../stores/contract.ts';
import type { ServiceRequest } from '../contract.ts';
import { lockFile } from './files.ts';
import { bootId } from './identity.ts';

const waitMs = 15_000;

/** Runs `body` while no other worker of this machine starts the same service. A lock of a dead worker is not one. */
export async function withStartLock<T>(
  request: ServiceRequest,
  work: Work,
  body: () => Promise<T>,
): Promise<T> {
  const file = lockFile(request);
  const holder = `${process.pid} ${processStat(process.pid)?.startTime ?? ''} ${await bootId()}`;
  const deadline = performance.now() + waitMs;
  while (!(await tryLink(holder, file))) {
    if (!(await isHeld(file))) {
      await takeAway(file, `${file}.${randomUUID()}`);
      continue;
    }
    if (performance.now() > deadline) throw busy(request, file);
    await sleep(100, undefined, { signal: work.signal });
  }
  try {
    return await body();
  } finally {
    await rm(file, { force: true });
  }
}

/** A symbolic link that leads nowhere: it appears with its text or not at all, and never in the place of another. */
async function tryLink(holder: string, file: string): Promise<boolean> {
  try {
    await symlink(holder, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Removes a dead worker's lock; one that appeared in its place since we looked is put back. */
async function takeAway(file: string, aside: string): Promise<void> {
  await rename(file, aside).catch(() => undefined);
  if (await isHeld(aside)) await tryLink(readlinkSync(aside), file);
  await rm(aside, { force: true });
}

async function isHeld(file: string): Promise<boolean> {
  let content: string;
  try {
    content = readlinkSync(file);
  } catch {
    return false;
  }
  const [pid, startTime, boot] = content.split(' ');
  const stat = processStat(Number(pid));
  return isAlive(stat) && stat.startTime === startTime && boot === (await bootId());
}

function busy(request: ServiceRequest, file: string): Error {
  return failure('SystemBusy', {
    what: `${request.system}: service ${request.service} is being started by another worker on this machine (${file}).`,
    hint: 'The step is tried again.',
  });
}
