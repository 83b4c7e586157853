/** Temporal itself is killed in the middle of a restore, and started again over its database file. */
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { waitUntil } from '../../tools/lib/wait.ts';
import { answerApprovals } from '../support/approve.ts';
import { readEvents } from './events.ts';
import { markLogs, readLedger } from './ledger.ts';
import type { Matrix, Result } from './matrix.ts';
import { reset, scenarios, templates } from './scenarios.ts';
import { observeState } from './state.ts';
import { carryOut, judge, type Trial } from './trial.ts';

const awayMs = 2_000;

export async function restartTemporal(matrix: Matrix): Promise<Result> {
  const [lab] = matrix.lanes;
  const scenario = scenarios.find(({ name }) => name === 'restore-backup');
  if (!lab || !scenario) throw new TypeError('a matrix needs a lane');
  const baseline = await carryOut(lab, scenario);
  await reset(lab, scenario);
  const taskQueue = `${lab.taskQueue}-${randomUUID().slice(0, 8)}`;
  const events = path.join(path.dirname(lab.demo.root), `events-${randomUUID()}`);
  const mark = markLogs(lab);
  const started = performance.now();
  const worker = await lab.startWorker({ taskQueue, events });
  const handle = await lab.start(scenario.workflowType, scenario.input, taskQueue);
  const answering = answerApprovals(handle);
  await waitUntil(() => begunRestores() >= 2, {
    timeoutMs: 60_000,
    intervalMs: 5,
    what: 'the restore to begin',
  });
  // The first restoreBeside of a run only plans; the next are the real ones.
  const killedAt = Date.now();
  await matrix.temporal.kill();
  await sleep(awayMs);
  await matrix.temporal.start();
  const outcome = await finished();
  answering.stop();
  const trial: Trial = {
    point: 'Temporal killed',
    outcome,
    events: readEvents(events),
    state: await observeState(lab, templates),
    ledger: readLedger(lab, mark),
    tookMs: performance.now() - started,
  };
  await worker.kill();
  const next = trial.events.find(({ kind, at }) => kind === 'start' && at > killedAt + awayMs);
  return {
    scenario: scenario.name,
    point: 'Temporal killed',
    outcome,
    tookMs: trial.tookMs,
    ...judge(baseline, trial),
    ran: true,
    resumedAfterMs: next && next.at - killedAt,
  };

  function begunRestores(): number {
    return (
      readEvents(events).filter(({ kind, activity }) => kind === 'start' && activity === 'restoreBeside')
        .length - 1
    );
  }

  /** The client's own wait breaks with the connection: asked again until the run is over. */
  async function finished(): Promise<string> {
    return await waitUntil(
      async () => {
        const { status } = await handle.describe();
        return status.name === 'RUNNING' ? undefined : status.name.toLowerCase();
      },
      { timeoutMs: 180_000, intervalMs: 200, what: 'the restore to end' },
    );
  }
}
