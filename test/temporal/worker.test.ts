/** The worker as a process: ready when it polls, stopped in order, measured when asked. */
import { expect, test } from 'vitest';
import { RunbookClient } from '../../src/client/runs.ts';
import { connectClient } from '../../src/temporal/connection.ts';
import { workflowBundle } from '../../src/temporal/bundle.ts';
import { freePort, sharedServers, waitUntil } from '../support/servers.ts';
import { command, inventories, inventoryText, startCommand, uniqueName } from '../client/support.ts';

test('says ready once the server has seen it poll, serves metrics, does work, and ends with 0 on SIGTERM', async () => {
  await workflowBundle();
  const { address } = sharedServers().temporal;
  const queue = uniqueName('queue');
  const system = uniqueName('worked');
  const env = {
    TEMPORAL_ADDRESS: address,
    RUNBOOK_SYSTEMS: await inventories({ [system]: inventoryText(system) }),
  };
  const metrics = `127.0.0.1:${await freePort()}`;
  const worker = startCommand(['worker', '--task-queue', queue, '--metrics', metrics], env);
  await waitUntil(() => /^ready: /m.test(worker.stdout), {
    what: `ready: ${worker.stderr}`,
    timeoutMs: 60_000,
  });
  expect(worker.stdout).toMatch(
    new RegExp(`^ready: task queue ${queue} at ${address}, namespace default, as \\S+:${worker.pid}$`, 'm'),
  );

  const temporal = await connectClient({ address });
  const seen = await temporal.connection.workflowService.describeTaskQueue({
    namespace: 'default',
    taskQueue: { name: queue },
    taskQueueType: 1,
  });
  expect(seen.pollers.map(({ identity }) => identity?.split(':').at(-1))).toContain(String(worker.pid));

  // The real activities and the real inventory; nothing listens on the ports of this system.
  const runs = new RunbookClient(temporal, { taskQueue: queue });
  const { id } = await runs.startRun('check-health', { system });
  const report = await runs.result<{ healthy: boolean; failed: string[] }>(id);
  expect(report.output.healthy).toBe(false);
  expect(report.output.failed).toHaveLength(2);
  await expect(
    fetch(`http://${metrics}/metrics`).then(async (answer) => await answer.text()),
  ).resolves.toContain('temporal_');

  worker.kill('SIGTERM');
  const { code, stdout } = await worker.ended;
  expect(stdout).toContain('stopped');
  expect(code).toBe(0);
  await runs.close();
});

test('without Temporal it says so and ends with 6; a bad metrics address is bad usage', async () => {
  const away = await command(['worker'], { TEMPORAL_ADDRESS: '127.0.0.1:1' });
  expect(away.stderr).toContain('Temporal does not answer at 127.0.0.1:1');
  expect(away.code).toBe(6);
  const wrong = await command(['worker', '--metrics', '9464'], {});
  expect(wrong.stderr).toContain('--metrics 9464 is not host:port');
  expect(wrong.code).toBe(2);
});
