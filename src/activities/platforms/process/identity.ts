/**
 * Which process is this service? Never told by a name. A process is ours when it is the one we recorded (pid, start time and
 * boot together name one process), or when it leads a session and bears our mark, which only the start gives.
 */
import { readFileSync, readdirSync, readlinkSync, realpathSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { type ProcessStat, isAlive, liveProcesses, processStat } from '../../../exec/index.ts';
import { failure } from '../../failures.ts';
import type { ServiceRequest } from '../contract.ts';
import { type ServiceRecord, markFile, readRecord } from './files.ts';

export const markName = 'DURABLE_RUNBOOKS_SERVICE';
/** Linux counts in hundredths of a second wherever it shows clock ticks, whatever its kernel's own frequency. */
const ticksPerSecond = 100;

export interface Found {
  stat: ProcessStat;
  /** Undefined when it was found by its mark alone. */
  record?: ServiceRecord;
}

export function markOf({
  stateDirectory,
  service,
}: Pick<ServiceRequest, 'stateDirectory' | 'service'>): string {
  return `${path.resolve(stateDirectory)}#${service}`;
}

/**
 * The running process of this service: the recorded one; without a record (a worker may die between starting and recording)
 * the one that bears the mark. Failure `NotOurs` when several do: which of them is it is for a person to say.
 */
export async function findProcess(request: ServiceRequest): Promise<Found | undefined> {
  const record = await readRecord(request);
  if (record && record.bootId === (await bootId())) {
    const stat = processStat(record.pid);
    // Gone: whoever bears the mark now was started by it, and is not it.
    return isRecorded(stat, record) ? { stat, record } : undefined;
  }
  const marked = markedProcesses(request);
  if (marked.length > 1) {
    const pids = marked.map((stat) => stat.pid);
    throw failure('NotOurs', {
      what: `${request.system}: service ${request.service} runs ${pids.length} times (pids ${pids.join(' and ')}); nothing was done.`,
      hint: 'Find out which one serves, stop the others by their pids, then retry the step.',
      retryable: false,
      details: { pids },
    });
  }
  return marked[0] && { stat: marked[0] };
}

/** What a recorded process that died left running in its session, such as the program behind a wrapper that was killed. */
export async function findLeftovers(request: ServiceRequest): Promise<number[]> {
  const record = await readRecord(request);
  if (record?.bootId !== (await bootId()) || isAlive(processStat(record.pid))) return [];
  const entry = `${markName}=${markOf(request)}`;
  const file = realPath(markFile(request));
  return liveProcesses()
    .filter(
      (stat) => stat.session === record.pid && (hasVariable(stat.pid, entry) || holdsOpen(stat.pid, file)),
    )
    .map((stat) => stat.pid);
}

/** A pid alone may be anybody's by now. */
function isRecorded(stat: ProcessStat | undefined, record: ServiceRecord): stat is ProcessStat {
  return isAlive(stat) && stat.startTime === record.startTime;
}

function markedProcesses(request: ServiceRequest): ProcessStat[] {
  const live = liveProcesses();
  const entry = `${markName}=${markOf(request)}`;
  const file = realPath(markFile(request));
  const bearers = live.filter(
    (stat) => stat.pid === stat.session && (hasVariable(stat.pid, entry) || holdsOpen(stat.pid, file)),
  );
  // Servers such as PostgreSQL give each child a session of its own, and the mark with it: only the first of a line counts.
  return bearers.filter(
    (stat) => !bearers.some((other) => other.pid !== stat.pid && descendsFrom(stat, other)),
  );
}

function hasVariable(pid: number, entry: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(entry);
  } catch {
    return false; // Gone in the meantime, or another account's: then it is not one that we started.
  }
}

function holdsOpen(pid: number, file: string): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some(
      (descriptor) => linkOf(`/proc/${pid}/fd/${descriptor}`) === file,
    );
  } catch {
    return false;
  }
}

function linkOf(link: string): string {
  try {
    return readlinkSync(link);
  } catch {
    return '';
  }
}

function realPath(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}

function descendsFrom(stat: ProcessStat, ancestor: ProcessStat): boolean {
  let current: ProcessStat | undefined = stat;
  // A chain of parents cannot be this long; while it is read, though, it may change.
  for (let depth = 0; current && current.parent > 1 && depth < 64; depth += 1) {
    if (current.parent === ancestor.pid) return true;
    current = processStat(current.parent);
  }
  return false;
}

export async function bootId(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
}

/** Pid, start time and boot: one process and no other, for the report and for the next look. */
export async function identityOf({ stat }: Found): Promise<string> {
  return `pid ${stat.pid}, start ${stat.startTime}, boot ${await bootId()}`;
}

/** Milliseconds since the process was started. */
export async function upFor({ stat }: Found): Promise<number> {
  const uptime = Number((await readFile('/proc/uptime', 'utf8')).split(' ')[0]);
  return Math.max(0, (uptime - Number(stat.startTime) / ticksPerSecond) * 1000);
}
