/**
 * Runs that were begun by an earlier version go on under this one: every recorded history replays on the bundle that is
 * shipped. After a deliberate change of a runbook that has not been released yet: `npm run record-histories`.
 */
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { beforeAll, describe, expect, it } from 'vitest';
import { workflowBundle } from '../../src/temporal/bundle.ts';
import { allRunbooks } from '../../src/workflows/catalogue.ts';
import { sharedServers, temporaryDirectory } from '../support/servers.ts';
import { readHistories, type Recording } from './histories.ts';
import { quietRuntime } from '../support/quiet.ts';

const recordings = await readHistories();

beforeAll(() => {
  quietRuntime();
});

/** The error of each replay, by name. */
async function replay(
  workflowBundle: Parameters<typeof Worker.runReplayHistories>[0]['workflowBundle'],
  histories: { workflowId: string; history: unknown }[],
): Promise<Map<string, Error | undefined>> {
  const results = new Map<string, Error | undefined>();
  if (!workflowBundle) throw new TypeError('no bundle');
  for await (const { workflowId, error } of Worker.runReplayHistories({ workflowBundle }, histories)) {
    results.set(workflowId, error);
  }
  return results;
}

describe('recorded histories', () => {
  it('replay, every one, on the bundle of this version', async () => {
    const found = await replay(
      await workflowBundle(),
      recordings.map(({ name, history }) => ({ workflowId: name, history })),
    );
    expect(found.size).toBe(recordings.length);
    const failed = [...found].flatMap(([name, error]) => (error ? [`${name}: ${error.message}`] : []));
    expect(failed).toEqual([]);
  });

  it('there is one of every runbook and of the lock, and they hold no name of a machine', () => {
    const recorded = new Set(recordings.map(({ workflowType }) => workflowType));
    for (const { workflowType } of allRunbooks) expect(recorded).toContain(workflowType);
    expect(recorded).toContain('lock');
    for (const { history } of recordings) {
      const identities = [...JSON.stringify(history).matchAll(/"identity":"([^"]*)"/g)].map(([, who]) => who);
      expect(new Set(identities)).toEqual(new Set(['worker']));
    }
  });

  it('of another order of steps do not replay', async () => {
    const tampered = recordings
      .filter(({ workflowType }) => workflowType !== 'lock')
      .flatMap((recording) => {
        const history = exchanged(recording);
        return history ? [{ workflowId: recording.name, history }] : [];
      });
    expect(tampered.length).toBeGreaterThan(5);
    const found = await replay(await workflowBundle(), tampered);
    for (const { workflowId } of tampered) {
      expect(found.get(workflowId), workflowId).toBeInstanceOf(DeterminismViolationError);
    }
  });
});

/** The history with the types of its first two different activities exchanged; undefined when it has no two. */
function exchanged({ history }: Recording): unknown {
  const copy = structuredClone(history);
  const scheduled = copy.events.flatMap((event) => event.activityTaskScheduledEventAttributes ?? []);
  const [first] = scheduled;
  const other = scheduled.find(({ activityType }) => activityType.name !== first?.activityType.name);
  if (!first || !other) return undefined;
  [first.activityType, other.activityType] = [other.activityType, first.activityType];
  return copy;
}

it('a run that was recorded with one order fails on the code with another, and only there', async () => {
  const { address } = sharedServers().temporal;
  const directory = await temporaryDirectory();
  const bundleOf = async (file: string) =>
    await workflowBundle({ entry: path.join(import.meta.dirname, 'fixture', file), directory });
  const before = await bundleOf('one-order.ts');
  const after = await bundleOf('another-order.ts');
  const connection = await NativeConnection.connect({ address });
  const client = new Client({ connection: await Connection.connect({ address }) });
  const taskQueue = `replay-${randomUUID()}`;
  const worker = await Worker.create({
    connection,
    taskQueue,
    workflowBundle: before,
    activities: { close: async () => undefined, stop: async () => undefined },
  });
  const workflowId = `replay-${randomUUID()}`;
  const history = await worker.runUntil(async () => {
    const handle = await client.workflow.start('shutdown', { taskQueue, workflowId });
    await handle.result();
    return await handle.fetchHistory();
  });
  await connection.close();
  await client.connection.close();

  expect((await replay(before, [{ workflowId, history }])).get(workflowId)).toBeUndefined();
  expect((await replay(after, [{ workflowId, history }])).get(workflowId)).toBeInstanceOf(
    DeterminismViolationError,
  );
});
