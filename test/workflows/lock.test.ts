/** The lock on a real server: uniqueness of open workflow ids, the parent-close policy, fencing. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Client, Connection, type WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import type { ApplicationFailure } from '@temporalio/common';
import { NativeConnection, Worker } from '@temporalio/worker';
import { createLockActivities } from '../../src/activities/locks.ts';
import { mutation } from '../../src/activities/mutation.ts';
import { heartbeats } from '../../src/temporal/heartbeat.ts';
import { workflowBundle } from '../../src/temporal/bundle.ts';
import type { ProgressView } from '../../src/workflows/contract.ts';
import { sharedServers, waitUntil } from '../support/servers.ts';
import { assertNoFailedTask } from '../support/time.ts';
import { smallSystem, world, type World } from '../support/world.ts';
import { quietRuntime } from '../support/quiet.ts';

let connection: Connection;
let native: NativeConnection;
let client: Client;
beforeAll(async () => {
  quietRuntime();
  const { address } = sharedServers().temporal;
  connection = await Connection.connect({ address });
  native = await NativeConnection.connect({ address });
  client = new Client({ connection });
});
afterAll(async () => {
  await connection.close();
  await native.close();
});

async function withWorker(
  place: World,
  body: (start: (type: string, input: object) => Promise<WorkflowHandle>) => Promise<void>,
): Promise<void> {
  const taskQueue = `lock-${randomUUID()}`;
  const worker = await Worker.create({
    connection: native,
    taskQueue,
    workflowBundle: await workflowBundle(),
    activities: { ...place.activities, ...createLockActivities() },
    interceptors: { activity: [heartbeats] },
  });
  const handles: WorkflowHandle[] = [];
  await worker.runUntil(async () => {
    await body(async (type, input) => {
      const handle = await client.workflow.start(type, {
        taskQueue,
        workflowId: `${type}-${randomUUID()}`,
        args: [input],
      });
      handles.push(handle);
      return handle;
    });
    for (const handle of handles) await assertNoFailedTask(handle);
  });
}

const failureOf = async (handle: WorkflowHandle): Promise<ApplicationFailure> =>
  (await handle
    .result()
    .catch((error: unknown) => (error as WorkflowFailedError).cause)) as ApplicationFailure;

async function inPhase(handle: WorkflowHandle, phase: string): Promise<void> {
  await waitUntil(
    async () => (await handle.query<ProgressView>('progress').catch(() => undefined))?.phase === phase,
    { timeoutMs: 20_000 },
  );
}

test('a second runbook on the same system is refused with the name of the holder, and has done nothing', async () => {
  const name = 'lock-busy';
  const place = world(smallSystem(name));
  await withWorker(place, async (start) => {
    const first = await start('gracefulShutdown', {
      system: name,
      reason: 'first',
      notice: '10m',
      requestedBy: 'ana',
    });
    await inPhase(first, 'notice');
    const second = await start('fullBackup', { system: name });
    const refused = await failureOf(second);
    expect(refused.type).toBe('SystemBusy');
    expect(refused.message).toContain(first.workflowId);
    expect(refused.message).toContain('ana');
    expect(place.deeds).toEqual([]);
    // Looking, and planning, need no lock.
    const look = await start('checkHealth', { system: name });
    expect(((await look.result()) as { outcome: string }).outcome).toBe('completed');
    const plan = await start('fullBackup', { system: name, dryRun: true });
    expect(((await plan.result()) as { outcome: string }).outcome).toBe('planned');

    const queued = await start('fullBackup', { system: name, whenBusy: 'queue' });
    await first.executeUpdate('abort', { args: [{ by: 'ana', reason: 'let the backup run' }] });
    await failureOf(first);
    expect(((await queued.result()) as { outcome: string }).outcome).toBe('completed');
    expect(place.deeds).toContain('manifest');
  });
});

test('the lock frees itself when its holder is terminated', async () => {
  const name = 'lock-terminated';
  const place = world(smallSystem(name));
  await withWorker(place, async (start) => {
    const first = await start('gracefulShutdown', { system: name, reason: 'first', notice: '10m' });
    await inPhase(first, 'notice');
    await first.terminate('gone');
    let outcome = '';
    await waitUntil(
      async () => {
        const next = await start('fullBackup', { system: name });
        outcome = await next.result().then(
          (report) => (report as { outcome: string }).outcome,
          () => 'refused',
        );
        return outcome === 'completed';
      },
      { timeoutMs: 20_000 },
    );
    expect(outcome).toBe('completed');
  });
});

test('a run whose lock was ended stops acting: the next mutating activity is fenced, and nothing is undone behind the new holder', async () => {
  const name = 'lock-fenced';
  const place = world(smallSystem(name));
  let act: () => void = () => undefined;
  const began = new Promise<void>((resolve) => {
    act = resolve;
  });
  let go: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => {
    go = resolve;
  });
  // The real shape of a mutating activity, held between its look and its act: a worker cut off at the worst moment.
  place.activities.dumpStore = mutation({
    async observe({ store }) {
      act();
      await gate;
      return {
        todo: ['dump'],
        foreseen: { store, type: 'postgres' as const, takenAt: '', objects: [], summary: {} },
      };
    },
    async act({ store }) {
      place.deeds.push('dumped after the lock was lost');
      return { store, type: 'postgres' as const, takenAt: '', objects: [], summary: {} };
    },
  });
  await withWorker(place, async (start) => {
    const run = await start('fullBackup', { system: name });
    await began;
    await client.workflow.getHandle(`lock/${name}`).terminate('taken over');
    // The server tells the worker, which holds on to its activity none the less: the run ends only after it.
    await waitUntil(
      async () => (await client.workflow.getHandle(`lock/${name}`).describe()).status.name !== 'RUNNING',
      {
        timeoutMs: 20_000,
      },
    );
    go();
    const failure = await failureOf(run);
    expect(failure.type).toBe('Fenced');
    expect(place.deeds).toEqual([]);
  });
});
