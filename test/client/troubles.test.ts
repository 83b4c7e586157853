/** What a follower sees when a worker, or Temporal itself, goes away and comes back. On a server of its own, to be killed. */
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { temporaryDirectory } from '../../tools/lib/directories.ts';
import { startTemporalDevServer, type TemporalServer, waitUntil } from '../support/servers.ts';
import {
  activitiesFor,
  command,
  inventories,
  inventoryText,
  startCommand,
  startWorker,
  type TestWorker,
  uniqueName,
} from './support.ts';

const queue = uniqueName('queue');
const system = uniqueName('troubled');
const more = ['--system', system, '--task-queue', queue];
let server: TemporalServer;
let env: Record<string, string>;
const workers: TestWorker[] = [];

async function until<T>(what: string, look: () => T | Promise<T>) {
  return await waitUntil(look, { what, timeoutMs: 60_000 });
}

async function work(): Promise<TestWorker> {
  const worker = await startWorker(
    queue,
    activitiesFor((name) => inventoryText(name)),
    server.address,
  );
  workers.push(worker);
  return worker;
}

beforeAll(async () => {
  const directory = await temporaryDirectory();
  server = await startTemporalDevServer({ directory, dbFile: path.join(directory, 'temporal.db') });
  env = {
    TEMPORAL_ADDRESS: server.address,
    RUNBOOK_SYSTEMS: await inventories({ [system]: inventoryText(system) }),
    RUNBOOK_AS: 'tester',
  };
});
afterAll(async () => {
  await Promise.allSettled(workers.map(async (worker) => await worker.stop()));
  await server.stop();
});

test('no worker, then one; Temporal killed, then back: the follower says so each time and never ends', async () => {
  const start = ['run', 'graceful-shutdown', '--reason', 'test', '--notice', '1h', '--no-backup', ...more];
  const follower = startCommand(start, env);
  await until('the missing worker is named', () =>
    /No worker has answered for \d+ s: is `runbook worker` running\?/.test(follower.stdout),
  );
  const id = /^(\S+) started/m.exec(follower.stdout)?.[1] ?? '';

  const listed = await command(['status'], env);
  expect(listed.stdout).toContain('no worker answers');
  expect(listed.stdout).toContain(id);

  const unheard = await command(['acknowledge', id], env);
  expect(unheard.code).toBe(7);
  expect(unheard.stderr).toContain('may still be carried out when a worker comes');

  const first = await work();
  await until('the run goes on', () => follower.stdout.includes(`runbook extend-notice ${id}`));
  expect(follower.stdout).toContain('answers again');
  workers.splice(workers.indexOf(first), 1);
  await first.stop();

  // From the history alone.
  const timeline = await command(['timeline', id], env);
  expect(timeline.stderr).toContain('read from the history itself');
  expect(timeline.stdout).toContain(`gracefulShutdown of ${system} started`);
  expect(timeline.stdout).toContain('Read the inventory (loadSystem): done');

  await server.kill();
  await until('the missing server is named', () =>
    /Temporal at \S+ has not answered for \d+ s/.test(follower.stdout),
  );
  await server.start();
  await work();
  await until('it is back', () => follower.stdout.split('answers again').length === 3);

  const answer = await command(['abort', '--system', system, '--reason', 'enough'], env);
  expect(answer.stderr).toBe('');
  expect((await follower.ended).code).toBe(5);
});

test('a workflow task that fails for ever is called that', async () => {
  const broken = uniqueName('broken');
  const other = uniqueName('queue');
  // Activities that the workflow code cannot digest: a system without services makes it throw a TypeError, not a failure.
  const activities = {
    ...activitiesFor((name) => inventoryText(name)),
    loadSystem: async () => ({ system: {}, digest: '' }),
  };
  const worker = await startWorker(other, activities, server.address);
  const directory = await inventories({ [broken]: inventoryText(broken) });
  const follower = startCommand(['run', 'check-health', '--system', broken, '--task-queue', other], {
    ...env,
    RUNBOOK_SYSTEMS: directory,
  });
  await until('it is named', () => follower.stdout.includes("fails at this run's own code"));
  expect(follower.stdout).toMatch(/attempt \d+: \S+/);
  follower.kill('SIGINT');
  expect((await follower.ended).code).toBe(130);
  await worker.stop();
});
