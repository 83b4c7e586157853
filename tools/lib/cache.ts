/** The project's cache of built tools, and installs into it that are all or nothing. */
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { isSameProcess, processStartTime } from './processes.ts';

/** `RUNBOOK_CACHE`, or `~/.cache/durable-runbooks`. */
export function cacheDirectory(): string {
  const chosen = process.env['RUNBOOK_CACHE'];
  if (chosen !== undefined && chosen !== '') return path.resolve(chosen);
  const base = process.env['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache');
  return path.join(base, 'durable-runbooks');
}

export interface Install {
  /** Name and version, such as `versitygw-v1.8.0`: the directory's name in the cache. */
  readonly name: string;
  /** What is done, for the line that announces it. */
  readonly how: string;
  /** Puts the tool's files into the empty directory `staging`. They must not depend on its path. */
  readonly build: (staging: string) => Promise<void>;
  /** Receives one line at the start and one at the end. */
  readonly say: (line: string) => void;
}

/**
 * The directory of an installed tool, built now if it is not there. Built beside and renamed into place, so that a
 * killed build leaves no half tool; a second process that wants the same tool waits for the first.
 */
export async function installOnce(install: Install): Promise<string> {
  const target = path.join(cacheDirectory(), install.name);
  if (existsSync(target)) return target;
  await mkdir(cacheDirectory(), { recursive: true });
  const unlock = await lock(`${target}.lock`, () => {
    install.say(`${install.name}: another process is installing it, waiting`);
  });
  const staging = `${target}.building`;
  try {
    if (existsSync(target)) return target;
    const started = performance.now();
    install.say(`${install.name}: ${install.how} ...`);
    await rm(staging, { recursive: true, force: true });
    await mkdir(staging);
    await install.build(staging);
    await rename(staging, target);
    install.say(`${install.name}: ready after ${seconds(started)}`);
    return target;
  } catch (error) {
    await rm(staging, { recursive: true, force: true });
    throw error;
  } finally {
    await unlock();
  }
}

/** Seconds since `started` (of `performance.now()`), for a message. */
export function seconds(started: number): string {
  return `${((performance.now() - started) / 1000).toFixed(1)} s`;
}

/** Takes the lock file, waiting for its holder; the lock of a process that is gone does not count. */
async function lock(file: string, onWait: () => void): Promise<() => Promise<void>> {
  const mine = `${process.pid} ${processStartTime(process.pid) ?? ''}`;
  let waiting = false;
  for (;;) {
    try {
      const handle = await open(file, 'wx');
      await handle.writeFile(mine);
      await handle.close();
      return async () => {
        await rm(file, { force: true });
      };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    if (await isStale(file)) {
      await rm(file, { force: true });
      continue;
    }
    if (!waiting) onWait();
    waiting = true;
    await sleep(250);
  }
}

async function isStale(file: string): Promise<boolean> {
  try {
    const [pid, startTime] = (await readFile(file, 'utf8')).split(' ');
    if (pid !== undefined && pid !== '') {
      return !isSameProcess(Number(pid), startTime === '' ? undefined : startTime);
    }
    // Created and not yet written: give its owner ten seconds.
    return Date.now() - (await stat(file)).mtimeMs > 10_000;
  } catch {
    return false;
  }
}
