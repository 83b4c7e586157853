/** Starts a service as a process that outlives the worker, once. */
import { mkdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Launched, launch, type ProcessStat, render } from '../../../exec/index.ts';
import { failure } from '../../failures.ts';
import type { Observation } from '../../mutation.ts';
import type { Work } from '../../stores/contract.ts';
import { commandFailure } from '../../work.ts';
import type { ServiceRequest, ServiceState } from '../contract.ts';
import { listens } from '../listeners.ts';
import { logTail } from '../log-tail.ts';
import { ensureMark, removeRecord, type ServiceRecord, writeRecord } from './files.ts';
import {
  bootId,
  findLeftovers,
  findProcess,
  type Found,
  identityOf,
  markName,
  markOf,
  upFor,
} from './identity.ts';
import { withStartLock } from './lock.ts';
import { runningState } from './state.ts';

/**
 * A program with a bad option or without its port is gone within this; one that listens has both behind it, and is not
 * watched any longer. Later deaths are `awaitHealthy`'s to see.
 */
const watchMs = 500;

export const start = {
  async observe(request: ServiceRequest, _work: Work): Promise<Observation<ServiceState>> {
    const found = await findProcess(request);
    if (found?.record) return { done: await runningState(found) };
    // A worker died between starting it and writing it down.
    if (found)
      return {
        todo: [`# write down that ${await identityOf(found)} is ${request.service}`],
        foreseen: await runningState(found),
      };
    return { todo: [shown(request)], foreseen: { running: true, detail: 'to be started' } };
  },

  async act(request: ServiceRequest, work: Work): Promise<ServiceState> {
    await ensureMark(request);
    return await withStartLock(request, work, async () => {
      const already = await findProcess(request);
      if (already) return await adopted(request, already);
      await refuseBesideLeftovers(request);
      return await startNow(request, work);
    });
  },
};

async function startNow(request: ServiceRequest, work: Work): Promise<ServiceState> {
  const { platform } = request.spec;
  const { command, directory, environment, user, logFile } = platform;
  await mkdir(path.dirname(logFile), { recursive: true });
  const logOffset = await sizeOf(logFile);
  // An old record would hide the new process if we died before writing the new one.
  await removeRecord(request);
  let launched: Launched;
  try {
    launched = await launch({
      argv: command as [string, ...string[]],
      environment: { ...environment, [markName]: markOf(request) },
      logFile,
      markFile: await ensureMark(request),
      ...(directory === undefined ? {} : { directory }),
      ...(user === undefined ? {} : { user }),
    });
  } catch (error) {
    throw commandFailure(error, {
      what: `${request.system}: service ${request.service} could not be started`,
      hint: `Look at platform.command, directory, user and logFile of ${request.service} in the inventory.`,
    });
  }
  const record = await recordOf(launched.stat, new Date(), logOffset);
  await writeRecord(request, record);
  await assertSurvives(request, launched, logOffset, work);
  return await runningState({ stat: launched.stat, record });
}

/** One that runs already; written down if nobody has: where its own part of the log begins is not known any more. */
async function adopted(request: ServiceRequest, found: Found): Promise<ServiceState> {
  if (found.record) return await runningState(found);
  const record = await recordOf(found.stat, new Date(Date.now() - (await upFor(found))), 0);
  await writeRecord(request, record);
  return await runningState({ ...found, record });
}

async function recordOf(stat: ProcessStat, startedAt: Date, logOffset: number): Promise<ServiceRecord> {
  const { pid, startTime } = stat;
  return {
    version: 1,
    pid,
    startTime,
    bootId: await bootId(),
    startedAt: startedAt.toISOString(),
    logOffset,
  };
}

async function refuseBesideLeftovers(request: ServiceRequest): Promise<void> {
  const leftovers = await findLeftovers(request);
  if (leftovers.length === 0) return;
  throw failure('NotReady', {
    what: `${request.system}: service ${request.service} has died, but what it started still runs (pid ${leftovers.join(', ')}).`,
    hint: 'Stop the service first: that ends these too. Then retry the step.',
    retryable: false,
  });
}

async function assertSurvives(
  request: ServiceRequest,
  launched: Launched,
  logOffset: number,
  work: Work,
): Promise<void> {
  const until = performance.now() + watchMs;
  while (performance.now() < until) {
    const ended = launched.ended();
    if (ended) {
      const how =
        ended.signalName === null ? `exit code ${String(ended.exitCode)}` : `killed by ${ended.signalName}`;
      const background =
        ended.exitCode === 0
          ? ' Does it put itself into the background? It must stay in the foreground.'
          : '';
      throw failure('CommandFailed', {
        what: `${request.system}: service ${request.service} ended at once (${how}).${background}`,
        command: shown(request),
        lastLines: await logTail(request.spec.platform.logFile, logOffset),
        hint: `Its log is ${request.spec.platform.logFile}.`,
      });
    }
    if (listens(launched.pid)) return;
    await sleep(25, undefined, { signal: work.signal });
  }
}

/** As an approver reads it: where, as whom, what, and where its output goes. Values of the environment stay out. */
function shown({ spec: { platform } }: ServiceRequest): string {
  const { command, directory, user, logFile, environment } = platform;
  const parts = [
    ...(directory === undefined ? [] : ['env', '-C', directory]),
    ...(user === undefined ? [] : ['runuser', '-u', user, '--']),
  ];
  const names = Object.keys(environment);
  const note = names.length === 0 ? '' : ` # with ${names.join(', ')}`;
  return `${render([...parts, 'setsid', ...command])} >> ${render([logFile])} 2>&1 &${note}`;
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch {
    return 0;
  }
}
