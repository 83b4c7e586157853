/** Saying something to a run: what waits for a person is shown with its commands, and each command is answered. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { failure } from '../../src/activities/failures.ts';
import { createLockActivities } from '../../src/activities/locks.ts';
import type { RunbookClient } from '../../src/client/runs.ts';
import { sharedServers, waitUntil } from '../support/servers.ts';
import {
  activitiesFor,
  command,
  inventories,
  inventoryText,
  startCommand,
  startWorker,
  testClient,
  type TestWorker,
  uniqueName,
} from './support.ts';

const queue = uniqueName('queue');
const names = {
  parking: uniqueName('parking'),
  asking: uniqueName('asking'),
  warning: uniqueName('warning'),
};
const policy = `people:
  approvals:
    restore-backup: { approvers: [ada, grace], quorum: 2 }
`;
const text = (name: string) => inventoryText(name, name === names.asking ? policy : '');
const backup = {
  id: '20260102T030405Z-0a1b2c3d',
  kind: 'daily',
  finishedAt: '2026-01-02T03:05:00.000Z',
  takenAt: '2026-01-02T03:04:05.000Z',
  bytes: 1000,
  components: ['main'],
  state: 'proven',
  signed: true,
};

async function until<T>(what: string, look: () => T | Promise<T>) {
  return await waitUntil(look, { what, timeoutMs: 60_000 });
}

let runs: RunbookClient;
let worker: TestWorker;
let env: Record<string, string>;
let dumps = 0;
const args = (...rest: string[]) => [...rest, '--task-queue', queue];

beforeAll(async () => {
  runs = await testClient(queue);
  env = {
    TEMPORAL_ADDRESS: sharedServers().temporal.address,
    RUNBOOK_SYSTEMS: await inventories(
      Object.fromEntries(Object.values(names).map((name) => [name, text(name)])),
    ),
    RUNBOOK_AS: 'tester',
  };
  const done = (result: unknown) => ({ result, performed: true, commands: ['swap main'] });
  worker = await startWorker(
    queue,
    activitiesFor(text, {
      ...createLockActivities(),
      serviceState: async () => ({ running: true, detail: 'pid 4711' }),
      chooseBackup: async () => backup,
      leaseBackup: async () => done({ lease: 'x' }),
      releaseBackup: async () => done({ released: true }),
      restoreBeside: async () => done({ name: 'd_restoring' }),
      compareReplacement: async () => ({
        equal: true,
        compared: 1,
        unit: 'tables',
        rows: '1 row',
        differences: [],
        validations: [],
      }),
      swapIn: async () => done({ kept: 'd_old' }),
      discardReplacement: async () => done({ removed: true }),
      dumpStore: async () => {
        dumps += 1;
        throw failure('CommandFailed', {
          what: 'pg_dump of main failed',
          lastLines: 'disk full',
          hint: 'free space',
          retryable: false,
        });
      },
    }),
  );
});

afterAll(async () => {
  await worker.stop();
  await runs.close();
});

test('a parked step: the commands that answer are printed, skip is refused with the reason, retry tries again', async () => {
  const running = startCommand(args('run', 'full-backup', '--system', names.parking), env);
  const offer = await until('it parks', () => /runbook retry (\S+) --step ([\d.]+)/.exec(running.stdout));
  const [, id = '', step = ''] = offer;
  expect(running.stdout).toContain('pg_dump of main failed');
  expect(running.stdout).toContain('disk full');

  const status = await command(['status', '--system', names.parking, '--task-queue', queue], env);
  expect(status.stdout).toMatch(new RegExp(`${names.parking}\\s+full-backup\\s+parked`));

  const skipped = await command(['skip', id, '--reason', 'no need'], env);
  expect(skipped.stderr).toMatch(/refused.*cannot be skipped/);
  expect(skipped.code).toBe(1);

  const before = dumps;
  const retried = await command(['retry', '--system', names.parking, '--step', step], env);
  expect(retried.code).toBe(0);
  await until('it was tried again', () => dumps > before);

  const busy = await command(args('run', 'full-backup', '--system', names.parking), env);
  expect(busy.stdout + busy.stderr).toContain(id);
  expect(busy.code).toBe(4);

  await until('it is parked again', async () => (await runs.progress(id)).parked.length > 0);
  await runs.update(id, 'abort', { reason: 'enough' });
  expect((await running.ended).code).toBe(5);
});

test('notice: extend and skip; an answer to nothing is refused', async () => {
  const { id } = await runs.startRun('graceful-shutdown', {
    system: names.warning,
    reason: 'test',
    notice: '1h',
    backup: false,
  });
  await until('the notice runs', async () => (await runs.progress(id)).phase === 'notice');
  const extended = await command(['extend-notice', id, '--for', '5m', '--json'], env);
  expect(extended.code).toBe(0);
  expect(JSON.parse(extended.stdout)).toMatchObject({
    id,
    text: expect.stringContaining('now ends in') as string,
  });
  const { notice } = await runs.progress(id);
  expect(Date.parse(notice?.until ?? '') - Date.now()).toBeGreaterThan(3_600_000);
  const refused = await command(['acknowledge', id], env);
  expect(refused.stderr).toContain('nobody is being paged');
  expect(refused.code).toBe(1);
  await runs.update(id, 'abort', { reason: 'done' });
  await expect(runs.result(id)).rejects.toMatchObject({ exitCode: 5 });

  const timeline = await command(['timeline', id], env);
  expect(timeline.stdout).toContain('Aborted by tester: done');
  const gone = await command(['abort', id, '--reason', 'again'], env);
  expect(gone.code).not.toBe(0);
});

test('an approval is bound to the plan that was seen; the requester and strangers do not count; a quorum does', async () => {
  const running = startCommand(args('run', 'restore-backup', '--system', names.asking), env);
  const offer = await until('it asks', () =>
    /runbook approve (\S+) --digest ([0-9a-f]{12})/.exec(running.stdout),
  );
  const [, id = '', digest = ''] = offer;
  expect(running.stdout).toContain('swap main');

  const approve = async (by: string, ...more: string[]) =>
    await command(['approve', id, '--as', by, ...more], env);
  const stale = await approve('ada', '--digest', '0123456789ab');
  expect(stale.stderr).toContain('The plan has changed since you saw it');
  expect(stale.code).toBe(2);
  expect((await approve('tester')).stderr).toMatch(/refused/);
  expect((await approve('mallory')).stderr).toMatch(/mallory is not among the approvers/);

  const first = await approve('ada', '--digest', digest);
  expect(first.stdout).toContain('swap main');
  expect(first.stdout).toContain('1 more needed');
  await approve('ada');
  expect((await runs.progress(id)).approval?.approvedBy).toEqual(['ada']);

  const no = await command(['reject', id, '--reason', 'wrong backup', '--as', 'grace'], env);
  expect(no.code).toBe(0);
  const { code, stdout } = await running.ended;
  expect(stdout).toContain('grace rejected');
  expect(stdout).toContain('wrong backup');
  expect(code).toBe(5);
});
