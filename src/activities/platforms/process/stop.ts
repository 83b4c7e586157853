/** Asks a service to stop and waits until it is gone. An application is forced at the end of its time; a database never. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive, liveProcesses, processStat } from '../../../exec/index.ts';
import { formatDuration, milliseconds } from '../../../inventory/duration.ts';
import { failure } from '../../failures.ts';
import type { Observation } from '../../mutation.ts';
import type { Work } from '../../stores/contract.ts';
import type { ServiceRequest, ServiceState } from '../contract.ts';
import { logTail } from '../log-tail.ts';
import { readRecord, removeRecord } from './files.ts';
import { type Found, findLeftovers, findProcess } from './identity.ts';

const forcedMs = 10_000;
const stopped: ServiceState = { running: false, detail: 'not running' };

export const stop = {
  async observe(request: ServiceRequest, _work: Work): Promise<Observation<ServiceState>> {
    const found = await findProcess(request);
    const leftovers = found ? [] : await findLeftovers(request);
    if (!found && leftovers.length === 0) {
      const record = await readRecord(request);
      if (!record) return { done: stopped };
      // It died, or whoever stopped it died before writing that down: asked to stop, it has not "died" any more.
      return { todo: [`# write down that ${request.service} is stopped`], foreseen: stopped };
    }
    const own = found && (isDatabase(request) ? found.stat.pid : -found.stat.pid);
    const targets = own === undefined ? leftovers : [own];
    const signal = request.spec.platform.stopSignal.replace('SIG', '');
    return { todo: [`kill -s ${signal} -- ${targets.join(' ')}`], foreseen: stopped };
  },

  async act(request: ServiceRequest, work: Work): Promise<ServiceState> {
    const found = await findProcess(request);
    if (found) await end(request, found, work);
    else await endLeftovers(request, work);
    await removeRecord(request);
    return stopped;
  },
};

async function end(request: ServiceRequest, found: Found, work: Work): Promise<void> {
  const { stopSignal } = request.spec.platform;
  const { pid } = found.stat;
  const limit = milliseconds(request.spec.stopWithin);
  // A database's own children end in its order, not ours: only the process itself is asked.
  signalProcess(request, isDatabase(request) ? pid : -pid, stopSignal);
  if (await gone(request, found, limit, work)) return;
  if (isDatabase(request)) throw await notStopped(request, found, limit);
  for (const member of session(found)) signalProcess(request, member, 'SIGKILL');
  if (await gone(request, found, forcedMs, work)) return;
  throw failure('NotReady', {
    what: `${request.system}: service ${request.service} (pid ${pid}) is still there after SIGKILL.`,
    hint: `The kernel holds it, mostly for a file system that does not answer: look at /proc/${pid}/wchan.`,
  });
}

async function endLeftovers(request: ServiceRequest, work: Work): Promise<void> {
  for (const pid of await findLeftovers(request))
    signalProcess(request, pid, request.spec.platform.stopSignal);
  const until = performance.now() + milliseconds(request.spec.stopWithin);
  while ((await findLeftovers(request)).length > 0) {
    work.progress({ note: `waiting for what ${request.service} left running to end` });
    if (performance.now() > until) {
      for (const pid of await findLeftovers(request)) signalProcess(request, pid, 'SIGKILL');
    }
    await sleep(100, undefined, { signal: work.signal });
  }
}

/** Waits until the process is gone, and with an application all that shares its session. */
async function gone(request: ServiceRequest, found: Found, withinMs: number, work: Work): Promise<boolean> {
  const startedAt = performance.now();
  for (;;) {
    if (isDatabase(request) ? !isSame(found) : session(found).length === 0) return true;
    const waited = performance.now() - startedAt;
    if (waited >= withinMs) return false;
    work.progress({
      note: `waiting for ${request.service} (pid ${found.stat.pid}) to end, ${formatDuration(waited)}`,
    });
    await sleep(100, undefined, { signal: work.signal });
  }
}

function isSame({ stat }: Found): boolean {
  const now = processStat(stat.pid);
  return isAlive(now) && now.startTime === stat.startTime;
}

/** The living processes of the service's session. Once the session is empty its number may be another's. */
function session(found: Found): number[] {
  const leader = processStat(found.stat.pid);
  if (leader && leader.startTime !== found.stat.startTime) return [];
  return liveProcesses()
    .filter((stat) => stat.session === found.stat.pid)
    .map((stat) => stat.pid);
}

function signalProcess(request: ServiceRequest, target: number, signal: NodeJS.Signals): void {
  try {
    process.kill(target, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return;
    throw failure('CommandFailed', {
      what: `${request.system}: ${signal} could not be sent to ${request.service}: ${(error as Error).message}.`,
      hint: 'The worker must run as root, or as the account of the service.',
      retryable: false,
    });
  }
}

async function notStopped(request: ServiceRequest, found: Found, limit: number): Promise<Error> {
  const { platform } = request.spec;
  return failure('NotReady', {
    what:
      `${request.system}: database ${request.service} (pid ${found.stat.pid}) has not stopped within ${formatDuration(limit)} ` +
      `of ${platform.stopSignal}. It was not forced: that could cost data.`,
    lastLines: await logTail(platform.logFile, found.record?.logOffset),
    hint: 'See in its log what it waits for (sessions, a checkpoint); then retry the step, or stop it by hand.',
    retryable: false,
  });
}

function isDatabase(request: ServiceRequest): boolean {
  return request.spec.role === 'database';
}
