/** Runbooks under time skipping: the real workflows, a world that answers from memory, 72 hours in half a second. */
import { randomUUID } from 'node:crypto';
import type { WorkflowHandle } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import { workflowBundle } from '../../src/temporal/bundle.ts';
import type { ProgressView, RunReport } from '../../src/workflows/contract.ts';
import { startTimeSkipping, waitUntil } from './servers.ts';
import type { World } from './world.ts';
import { quietRuntime } from './quiet.ts';

export interface TimeLab {
  environment: TestWorkflowEnvironment;
  /** Runs a body with a worker that has these activities; then asserts that no workflow task ever failed. */
  with(world: World, body: (queue: Queue) => Promise<void>): Promise<void>;
  stop(): Promise<void>;
}

export interface Queue {
  start(workflowType: string, input: unknown): Promise<WorkflowHandle>;
  progress(handle: WorkflowHandle): Promise<ProgressView>;
  /** Waits, with time standing still, until the run's progress satisfies this. */
  until(handle: WorkflowHandle, satisfied: (view: ProgressView) => boolean): Promise<ProgressView>;
  report(handle: WorkflowHandle): Promise<RunReport>;
}

export async function timeLab(): Promise<TimeLab> {
  // Runs that fail are what many of these tests are about: only the SDK's own errors are worth a line.
  quietRuntime();
  const environment = await startTimeSkipping();
  const bundle = await workflowBundle();
  return {
    environment,
    async with(world, body) {
      const taskQueue = `time-${randomUUID()}`;
      const { client } = environment;
      const worker = await Worker.create({
        connection: environment.nativeConnection,
        taskQueue,
        workflowBundle: bundle,
        activities: world.activities,
      });
      const handles: WorkflowHandle[] = [];
      const queue: Queue = {
        async start(workflowType, input) {
          const workflowId = `${workflowType}-${randomUUID()}`;
          // Without following runs: looking at progress must not make time pass.
          const handle = await client.workflow.start(workflowType, { taskQueue, workflowId, args: [input] });
          handles.push(handle);
          return handle;
        },
        progress: (handle) => handle.query<ProgressView>('progress'),
        async until(handle, satisfied) {
          let view: ProgressView | undefined;
          await waitUntil(
            async () => {
              view = await handle.query<ProgressView>('progress').catch(() => undefined);
              return view !== undefined && satisfied(view);
            },
            { timeoutMs: 20_000 },
          );
          if (!view) throw new Error('no progress');
          return view;
        },
        report: (handle) => handle.result() as Promise<RunReport>,
      };
      await worker.runUntil(async () => {
        await body(queue);
        for (const handle of handles) await assertNoFailedTask(handle);
      });
    },
    stop: () => environment.teardown(),
  };
}

/** A plain error in workflow code retries its task for ever and is silent but for a log: here it fails the test. */
export async function assertNoFailedTask(handle: WorkflowHandle): Promise<void> {
  const history = await handle.fetchHistory();
  for (const event of history.events ?? []) {
    const failure = event.workflowTaskFailedEventAttributes?.failure;
    if (failure)
      throw new Error(`a workflow task of ${handle.workflowId} failed: ${failure.message ?? 'no message'}`);
  }
}
