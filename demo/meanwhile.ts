/** What people and mishaps do to a run of the demonstration while it goes on. */
import { setTimeout as sleep } from 'node:timers/promises';
import pc from 'picocolors';
import { RunbookClient } from '../src/client/runs.ts';
import type { StepView } from '../src/workflows/contract.ts';
import type { S3Server } from '../tools/servers/versitygw.ts';
import type { TemporalServer } from '../tools/servers/temporal.ts';
import type { PreparedDemo } from './prepare.ts';
import type { Stage } from './stage.ts';
import type { DemoWorker } from './worker.ts';

/** Who asks for the runs. */
export const by = 'on-call';
const approver = 'alice';

/** All that takes part. */
export interface Set {
  stage: Stage;
  shop: PreparedDemo;
  temporal: TemporalServer;
  s3: S3Server | undefined;
  runs: RunbookClient;
  worker: DemoWorker;
  newWorker(): Promise<DemoWorker>;
  /** What happened to the worker meanwhile; the run itself does not know. */
  marks: { at: string; text: string }[];
}

function running(steps: StepView[], title: string): boolean {
  return steps.some(
    (step) => (step.state === 'running' && step.title.startsWith(title)) || running(step.children, title),
  );
}

/** The demonstration does not wait for a person: a run that does has met something that should not be. */
export async function endIfParked(set: Set, id: string): Promise<void> {
  for (;;) {
    const view = await set.runs.progress(id).catch(() => undefined);
    if (view?.endedAt !== undefined) return;
    if (view?.phase === 'parked') {
      await set.runs.update(id, 'abort', { by, reason: 'nobody is there to decide in a demonstration' });
      return;
    }
    await sleep(1000);
  }
}

/** Whether a step with this title was under way at that time (ISO 8601). */
export function wasRunning(steps: StepView[], title: string, at: string): boolean {
  return steps.some(
    (step) =>
      (step.title.startsWith(title) && step.startedAt < at && (step.endedAt ?? '') > at) ||
      wasRunning(step.children, title, at),
  );
}

/** Kills the worker while the restore is under way, then starts another. */
export async function killInTheMiddle(set: Set, id: string): Promise<void> {
  for (;;) {
    const view = await set.runs.progress(id);
    if (view.endedAt !== undefined) return;
    if (running(view.steps, 'Restore main')) break;
    await sleep(100);
  }
  // Into the restore itself, not only to its door.
  const restoring = async () =>
    (
      await set.shop
        .psql(
          "select 1 from pg_database where datname like 'shop_loading%' and pg_database_size(datname) > 20000000",
        )
        .catch(() => [])
    ).length > 0;
  while (!(await restoring())) {
    if (!running((await set.runs.progress(id)).steps, 'Restore main')) break;
    await sleep(100);
  }
  const { pid } = set.worker;
  const killedAt = performance.now();
  await set.worker.kill();
  set.marks.push({ at: new Date().toISOString(), text: 'kill -9: the worker is gone' });
  set.stage.say(pc.red(`  kill -9 ${pid}: the worker is gone, in the middle of the restore`));
  set.worker = await set.newWorker();
  set.marks.push({ at: new Date().toISOString(), text: 'a new worker' });
  set.stage.say(
    pc.green(
      `  a new worker, pid ${set.worker.pid}, after ${((performance.now() - killedAt) / 1000).toFixed(1)} s: the same run goes on`,
    ),
  );
}

export async function approveWhenAsked(set: Set, id: string): Promise<void> {
  const lead = new RunbookClient(set.runs.temporal, { by: approver });
  for (;;) {
    const { approval, endedAt } = await lead.progress(id);
    if (approval) {
      await sleep(1500);
      set.stage.say(`  ${approver} reads the plan and types: ${pc.bold(`runbook approve ${id}`)}`);
      await lead.update(id, 'approve', { by: approver, digest: approval.digest });
      return;
    }
    if (endedAt !== undefined) return;
    await sleep(300);
  }
}
