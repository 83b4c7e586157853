/** Aborting on a real server, in the middle of an activity: what is under way ends before anything is undone. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Context } from '@temporalio/activity';
import { Client, Connection, type WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { NativeConnection, Worker } from '@temporalio/worker';
import { createLockActivities } from '../../src/activities/locks.ts';
import { heartbeats } from '../../src/temporal/heartbeat.ts';
import { workflowBundle } from '../../src/temporal/bundle.ts';
import { sharedServers } from '../support/servers.ts';
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

async function withRun(
  place: World,
  type: string,
  input: object,
  body: (run: WorkflowHandle) => Promise<void>,
): Promise<ApplicationFailure> {
  const taskQueue = `abort-${randomUUID()}`;
  const worker = await Worker.create({
    connection: native,
    taskQueue,
    workflowBundle: await workflowBundle(),
    activities: { ...place.activities, ...createLockActivities() },
    interceptors: { activity: [heartbeats] },
    maxHeartbeatThrottleInterval: '1s',
    defaultHeartbeatThrottleInterval: '1s',
  });
  return worker.runUntil(async () => {
    const run = await client.workflow.start(type, {
      taskQueue,
      workflowId: `${type}-${randomUUID()}`,
      args: [input],
    });
    await body(run);
    const failure: unknown = await run
      .result()
      .catch((error: unknown) => (error as WorkflowFailedError).cause);
    await assertNoFailedTask(run);
    return failure as ApplicationFailure;
  });
}

const abort = (run: WorkflowHandle) =>
  run.executeUpdate('abort', { args: [{ by: 'ana', reason: 'wrong system' }] });

/** The stop of the API: begins, is told of the abort, and then still needs a moment. */
function slowStop(place: World, end: () => void): { began: Promise<void> } {
  let begin: () => void = () => undefined;
  const began = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const real = { ...place.activities };
  place.activities.stopService = async (request, call) => {
    if (request.service !== 'api') return real.stopService(request, call);
    begin();
    await Context.current().cancelled.catch(() => undefined);
    await sleep(700);
    end();
    return real.stopService(request, call);
  };
  return { began };
}

test('an abort in the middle of a stop is undone after that stop has ended, not beside it', async () => {
  const place = world(smallSystem('abort-middle'));
  const { began } = slowStop(place, () => place.deeds.push('the stop ends'));
  const input = { system: 'abort-middle', reason: 'why', notice: '0s', backup: false };
  const failure = await withRun(place, 'gracefulShutdown', input, async (run) => {
    await began;
    await abort(run);
  });
  expect(failure.type).toBe('Aborted');
  expect(place.deeds).toEqual([
    'close api',
    'stop web',
    'the stop ends',
    'stop api',
    'start api',
    'start web',
    'open api',
  ]);
  expect([...place.running].sort()).toEqual(['api', 'database', 'web']);
  const [{ steps }] = failure.details as [{ steps: { title: string }[] }];
  expect(steps.map(({ title }) => title)).not.toContain('Stop database');
});

test('a step that fails while the run is being aborted is not parked, and nobody is paged for it', async () => {
  const place = world(smallSystem('abort-failing'));
  const { began } = slowStop(place, () => {
    throw ApplicationFailure.create({ message: 'it would not stop', type: 'CommandFailed' });
  });
  const input = { system: 'abort-failing', reason: 'why', notice: '0s', backup: false };
  const failure = await withRun(place, 'gracefulShutdown', input, async (run) => {
    await began;
    await abort(run);
  });
  expect(failure.type).toBe('Aborted');
  expect(place.messages.filter(({ message }) => message.title.includes('needs a person'))).toEqual([]);
  expect(place.running.has('web')).toBe(true);
});

test('an abort in the middle of a swap takes the swap back', async () => {
  const place = world(smallSystem('abort-swap'));
  let begin: () => void = () => undefined;
  const began = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const real = { ...place.activities };
  place.activities.swapIn = async (request, call) => {
    if (call.plan) return real.swapIn(request, call);
    begin();
    await Context.current().cancelled.catch(() => undefined);
    await real.swapIn(request, call);
    // It was done, and its answer is lost.
    throw ApplicationFailure.nonRetryable('the connection broke', 'Unreachable');
  };
  const failure = await withRun(place, 'restoreBackup', { system: 'abort-swap' }, async (run) => {
    await began;
    await abort(run);
  });
  expect(failure.type).toBe('Aborted');
  expect(place.deeds.slice(place.deeds.indexOf('swap main'))).toEqual([
    'swap main',
    'swap-back main',
    'start api',
    'start web',
    'open api',
    'discard main',
    'release',
  ]);
});

test('whoever finds the system held is refused and nobody is paged; the holder lets go before it tells of its end', async () => {
  const place = world(smallSystem('abort-busy'));
  let tell: () => void = () => undefined;
  const told = new Promise<void>((resolve) => {
    tell = resolve;
  });
  const real = { ...place.activities };
  place.activities.sendMessage = async (request) => {
    if (request.message.key.endsWith('/ended') && request.message.runbook === 'graceful-shutdown') await told;
    return real.sendMessage(request);
  };
  const held = { system: 'abort-busy', reason: 'why', notice: '10m' };
  await withRun(place, 'gracefulShutdown', held, async (run) => {
    const phase = async () => (await run.query<{ phase: string }>('progress')).phase;
    await expect.poll(phase, { timeout: 20_000 }).toBe('notice');
    const refused = await withRun(place, 'fullBackup', { system: 'abort-busy' }, async () => undefined);
    expect(refused.type).toBe('SystemBusy');
    expect(place.messages.flatMap(({ message }) => message.recipients)).toEqual([]);
    await abort(run);
    const next = await withRun(
      place,
      'fullBackup',
      { system: 'abort-busy', whenBusy: 'queue' },
      async () => undefined,
    );
    expect(next).toMatchObject({ outcome: 'completed' });
    tell();
  });
});
