/** Only one start of a service at a time on this machine, also when a worker that was given up still acts. */
import { readFileSync } from 'node:fs';
import { link, rename, rm, writeFile } from 'node:fs/promises';
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
  const own = `${file}.${randomUUID()}`;
  const holder = `${process.pid} ${processStat(process.pid)?.startTime ?? ''} ${await bootId()}`;
  await writeFile(own, holder, { mode: 0o640 });
  try {
    const deadline = performance.now() + waitMs;
    // A link appears with its content or not at all, and never replaces another.
    while (!(await tryLink(own, file))) {
      if (!(await isHeld(file))) {
        await takeAway(file, `${own}.stale`);
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
  } finally {
    await rm(own, { force: true });
  }
}

async function tryLink(own: string, file: string): Promise<boolean> {
  try {
    await link(own, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Removes a dead worker's lock; one that appeared in its place since we looked is put back. */
async function takeAway(file: string, aside: string): Promise<void> {
  await rename(file, aside).catch(() => undefined);
  if (await isHeld(aside)) await tryLink(aside, file);
  await rm(aside, { force: true });
}

async function isHeld(file: string): Promise<boolean> {
  let content: string;
  try {
    content = readFileSync(file, 'utf8');
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
