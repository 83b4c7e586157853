/** Whatever `temporal workflow start` is given, a runbook refuses it at once: no task is retried for ever. */
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Client, Connection, WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure, RawValue } from '@temporalio/common';
import { NativeConnection, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createSystemActivities } from '../../src/activities/systems.ts';
import { workflowBundle } from '../../src/temporal/bundle.ts';
import { run } from '../../tools/lib/run.ts';
import { ensure } from '../../tools/setup.ts';
import { sharedServers, temporaryDirectory } from '../support/servers.ts';
import { assertNoFailedTask } from '../support/time.ts';
import { quietRuntime } from '../support/quiet.ts';

const taskQueue = `bad-input-${randomUUID()}`;
const systemsDirectory = path.join(import.meta.dirname, '../../systems');
let temporal: string;
let client: Client;
let connection: NativeConnection;
let worker: Worker;
let running: Promise<void>;

beforeAll(async () => {
  temporal = await ensure('temporal');
  // One run meets activities that this worker does not have: that is meant, and not worth pages of log.
  quietRuntime(() => undefined);
  const { address } = sharedServers().temporal;
  connection = await NativeConnection.connect({ address });
  client = new Client({ connection: await Connection.connect({ address }) });
  // The only activity a refused run may reach is the one that reads inventories.
  worker = await Worker.create({
    connection,
    taskQueue,
    workflowBundle: await workflowBundle(),
    activities: createSystemActivities({ systemsDirectory }),
  });
  running = worker.run();
});

afterAll(async () => {
  worker.shutdown();
  await running;
  await connection.close();
  await client.connection.close();
});

const cases: [string, string[], RegExp][] = [
  ['a shell command as name', ['--input', '{"system":"demo; rm -rf /"}'], /system: the name of a system/],
  [
    'bytes as binary',
    ['--input', 'rm -rf /', '--input-meta', 'encoding=binary/plain'],
    /cannot be read as JSON/,
  ],
  [
    'an encoding nobody knows',
    ['--input', '{}', '--input-meta', 'encoding=mystery'],
    /Unknown encoding: mystery/,
  ],
  ['two inputs', ['--input', '{"system":"demo"}', '--input', '{"dryRun":true}'], /2 arguments were given/],
  ['no input', [], /0 arguments were given/],
  ['text', ['--input', '"demo"'], /expected object/],
  ['an option as name', ['--input', '{"system":"-h"}'], /system: the name of a system/],
  ['a path as name', ['--input', '{"system":"../demo"}'], /system: the name of a system/],
  ['a substitution', ['--input', '{"system":"demo$(id)"}'], /system: the name of a system/],
  ['a line break', ['--input', '{"system":"demo\\n"}'], /system: the name of a system/],
  ['a NUL', ['--input', '{"system":"demo\\u0000"}'], /system: the name of a system/],
  ['a field nobody knows', ['--input', '{"system":"demo","sytem":"demo"}'], /sytem/],
  ['a wrong type', ['--input', '{"system":"demo","dryRun":"yes"}'], /dryRun/],
  ['a system that is not there', ['--input', '{"system":"dem"}'], /There is no system "dem"/],
];

it.each(cases)('%s is InvalidInput, and says why', async (_, input, why) => {
  const workflowId = `bad-${randomUUID()}`;
  const { address } = sharedServers().temporal;
  await run(
    temporal,
    [
      ...['workflow', 'start', '--address', address, '--task-queue', taskQueue],
      ...['--type', 'fullBackup', '--workflow-id', workflowId, ...input],
    ],
    { env: { TEMPORAL_CONFIG_FILE: '/dev/null' } },
  );
  await expectRefused(client.workflow.getHandle(workflowId), why);
});

it('a megabyte for a name is InvalidInput, and is not repeated', async () => {
  const file = path.join(await temporaryDirectory('bad-input-'), 'input.json');
  await writeFile(file, JSON.stringify({ system: 'x'.repeat(1_000_000) }));
  const workflowId = `bad-${randomUUID()}`;
  const { address } = sharedServers().temporal;
  await run(
    temporal,
    [
      ...['workflow', 'start', '--address', address, '--task-queue', taskQueue],
      ...['--type', 'fullBackup', '--workflow-id', workflowId, '--input-file', file],
    ],
    { env: { TEMPORAL_CONFIG_FILE: '/dev/null' } },
  );
  const handle = client.workflow.getHandle(workflowId);
  await expectRefused(handle, /^.{0,2000}$/s);
});

const rawCases: [string, Buffer][] = [
  ['bytes that call themselves JSON', Buffer.from([0x00, 0xff, 0xfe, 0x7b, 0x7d])],
  ['half a JSON text', Buffer.from('{"system":')],
  ['nothing that calls itself JSON', Buffer.alloc(0)],
];

// The CLI refuses these by itself; a client of another language may send them.
it.each(rawCases)('%s is InvalidInput', async (_, data) => {
  const payload = { metadata: { encoding: Buffer.from('json/plain') }, data };
  const handle = await client.workflow.start('fullBackup', {
    taskQueue,
    workflowId: `bad-${randomUUID()}`,
    args: [RawValue.fromPayload(payload)],
  });
  await expectRefused(handle, /cannot be read as JSON/);
});

async function expectRefused(handle: WorkflowHandle, why: RegExp): Promise<void> {
  const failure: unknown = await handle.result().catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(WorkflowFailedError);
  const { cause } = failure as WorkflowFailedError;
  // What an activity refused is wrapped once more.
  const refused = (cause instanceof ApplicationFailure ? cause : cause?.cause) as ApplicationFailure;
  expect(refused.type).toBe('InvalidInput');
  expect(refused.message).toMatch(why);
  await assertNoFailedTask(handle);
}

it('an answer that cannot be read is not counted, and the run goes on waiting', async () => {
  const handle = await client.workflow.start('fullBackup', {
    taskQueue,
    workflowId: `bad-signal-${randomUUID()}`,
    args: [{ system: 'demo', dryRun: true }],
  });
  const { address } = sharedServers().temporal;
  await run(
    temporal,
    [
      ...['workflow', 'signal', '--address', address, '--workflow-id', handle.workflowId],
      ...['--name', 'approve', '--input', 'rubbish', '--input-meta', 'encoding=mystery'],
    ],
    { env: { TEMPORAL_CONFIG_FILE: '/dev/null' } },
  );
  const timeline = await handle.query<{ text: string }[]>('timeline');
  expect(timeline.map(({ text }) => text).join('\n')).toContain('An approval by signal was not counted');
  await handle.terminate('the test is over');
  await assertNoFailedTask(handle);
});
