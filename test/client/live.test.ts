/** The command against a real Temporal and the real runbooks: what people see, and what scripts get back. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Context as ActivityContext } from '@temporalio/activity';
import { newRunId } from '../../src/client/identifiers.ts';
import type { RunbookClient } from '../../src/client/runs.ts';
import { sharedServers, waitUntil } from '../support/servers.ts';
import {
  activitiesFor,
  command,
  inventories,
  inventoryText,
  root,
  startCommand,
  startWorker,
  testClient,
  type TestWorker,
  uniqueName,
} from './support.ts';

const queue = uniqueName('queue');
const names = {
  well: uniqueName('well'),
  ill: uniqueName('ill'),
};

/** Waits on a machine that is busy with other tests. */
async function until<T>(what: string, look: () => T | Promise<T>) {
  return await waitUntil(look, { what, timeoutMs: 30_000 });
}

let runs: RunbookClient;
let worker: TestWorker;
let env: Record<string, string>;
let released = false;

beforeAll(async () => {
  const { address } = sharedServers().temporal;
  runs = await testClient(queue);
  const directory = await inventories(
    Object.fromEntries(Object.values(names).map((name) => [name, inventoryText(name)])),
  );
  env = { TEMPORAL_ADDRESS: address, RUNBOOK_SYSTEMS: directory, RUNBOOK_AS: 'tester' };
  worker = await startWorker(
    queue,
    activitiesFor((name) => inventoryText(name), {
      checkService: async ({ system, service }) => ({
        service,
        healthy: system !== names.ill,
        status: system === names.ill ? 'unhealthy' : 'healthy',
        detail: system === names.ill ? 'connection refused' : 'ok',
        latencyMs: 1,
      }),
      listBackups: async () => [
        {
          id: '20260102T030405Z-0a1b2c3d',
          kind: 'daily',
          finishedAt: '2026-01-02T03:05:00.000Z',
          takenAt: '2026-01-02T03:04:05.000Z',
          bytes: 1_234_567,
          components: ['main'],
          state: 'proven',
          signed: true,
        },
      ],
      verifyBackup: async ({ id }, { plan }) => {
        const context = ActivityContext.current();
        if (plan)
          return {
            result: { id, ok: true, objects: 1, bytes: 10, problems: [] },
            performed: false,
            commands: ['read main.dump'],
          };
        context.heartbeat({ note: 'reading main.dump', done: 500_000, total: 1_000_000, unit: 'bytes' });
        while (!released) {
          context.heartbeat({ note: 'reading main.dump', done: 500_000, total: 1_000_000, unit: 'bytes' });
          await context.sleep(100);
        }
        return {
          result: { id, ok: true, objects: 1, bytes: 10, problems: [] },
          performed: true,
          commands: ['read main.dump'],
        };
      },
    }),
  );
});

afterAll(async () => {
  await worker.stop();
  await runs.close();
});

const args = (...rest: string[]) => [...rest, '--task-queue', queue];

describe('exit codes', () => {
  test('0 for a healthy system, and every step is printed when piped', async () => {
    const { code, stdout, stderr } = await command(args('run', 'check-health', '--system', names.well), env);
    expect(stderr).toBe('');
    expect(stdout).toMatch(/✓ \d+(\.\d+)* .*api/);
    expect(stdout).toMatch(/done in /);
    // eslint-disable-next-line no-control-regex -- looks for escape sequences
    expect(stdout).not.toMatch(/\u001b/);
    expect(code).toBe(0);
  });

  test('3 for an unhealthy one, although the run itself is complete', async () => {
    const { code, stdout } = await command(args('run', 'check-health', '--system', names.ill), env);
    expect(stdout).toContain('unhealthy');
    expect(stdout).toContain('connection refused');
    expect(code).toBe(3);
  });

  test('2 for what is refused before anything is started', async () => {
    for (const wrong of [
      ['run', 'check-helth', '--system', names.well],
      ['run', 'check-health', '--system', 'nowhere'],
      ['run', 'check-health'],
      ['run', 'full-backup', '--system', names.well, '--kind', 'hourly'],
      ['run', 'full-backup', '--system', names.well, '--input', 'knid=daily'],
      ['run', '--detach', 'check-health', '--system', names.well],
      ['frobnicate'],
    ]) {
      const { code, stdout, stderr } = await command(args(...wrong), env);
      expect(stderr, wrong.join(' ')).not.toBe('');
      expect(stdout).toBe('');
      expect(code).toBe(2);
    }
    expect(await runs.openRuns({ system: names.well })).toEqual([]);
  });

  test('2 when the workflow itself refuses the input', async () => {
    const { id } = await runs.startRun('full-backup', { system: names.well, kind: 'hourly' });
    await expect(runs.result(id)).rejects.toMatchObject({ exitCode: 2 });
  });

  test('6 when nothing answers', async () => {
    const { code, stderr } = await command(['status'], { ...env, TEMPORAL_ADDRESS: '127.0.0.1:1' });
    expect(stderr).toContain('Temporal does not answer at 127.0.0.1:1');
    expect(stderr).toContain('runbook dev');
    expect(stderr).not.toContain('    at ');
    expect(code).toBe(6);
  });

  test('7 when no worker answers, and the run stays', async () => {
    const lonely = uniqueName('lonely');
    const { code, stderr } = await command(['backups', '--system', names.well, '--task-queue', lonely], env);
    expect(stderr).toContain('runbook worker');
    expect(code).toBe(7);
    const [open] = (await runs.openRuns({ system: names.well })).filter(
      (run) => run.runbook === 'list-backups',
    );
    expect(open?.phase).toBe('starting');
    await runs.handle(open?.id ?? '').terminate();
  });
});

test('--id: the second start is the first', async () => {
  const id = newRunId('check-health', names.well);
  const first = await command(args('run', 'check-health', '--system', names.well, '--id', id), env);
  const second = await command(args('run', 'check-health', '--system', names.well, '--id', id), env);
  expect(first.stdout).toContain(`${id} started`);
  expect(second.stdout).toContain(`${id} was started before: following it`);
  expect(second.code).toBe(0);
  const other = await command(args('run', 'list-backups', '--system', names.well, '--id', id), env);
  expect(other.stderr).toContain('another runbook');
  expect(other.code).toBe(2);
});

test('--json: one object a line, the report last', async () => {
  const { stdout, code } = await command(args('run', 'check-health', '--system', names.well, '--json'), env);
  const events = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { event: string; report?: { outcome: string } });
  expect(events[0]).toMatchObject({ event: 'started', attached: false });
  expect(events.map(({ event }) => event)).toContain('step');
  expect(events.at(-1)).toMatchObject({
    event: 'report',
    report: { outcome: 'completed', output: { healthy: true } },
  });
  expect(code).toBe(0);
});

test('plan: every command, nothing done', async () => {
  const { stdout, code } = await command(args('plan', 'verify-backup', '--system', names.well), env);
  expect(stdout).toContain('  read main.dump');
  expect(stdout).toMatch(/plan [0-9a-f]{64}/);
  expect(stdout).toContain('nothing was changed');
  expect(code).toBe(0);
});

test('--detach prints the id alone; watch shows the transfer; Ctrl-C detaches and the run goes on', async () => {
  released = false;
  const { stdout } = await command(args('run', 'verify-backup', '--system', names.well, '--detach'), env);
  const id = stdout.trim();
  expect(id).toMatch(new RegExp(`^verify-backup/${names.well}/[0-9a-z]{10}$`));

  const watching = startCommand(['watch', id.split('/').at(-1) ?? '', '--task-queue', queue], env);
  await until('the transfer is shown', () => watching.stdout.includes('500 kB of 1.0 MB  50 %'));
  watching.kill('SIGINT');
  const left = await watching.ended;
  expect(left.stdout).toContain('Detached. The run goes on.');
  expect(left.stdout).toContain(`runbook watch ${id}`);
  expect(left.stdout).toContain(`runbook abort ${id}`);
  expect(left.code).toBe(130);

  expect((await runs.describe(id)).status.name).toBe('RUNNING');
  released = true;
  const back = await command(['watch', '--system', names.well, '--task-queue', queue], env);
  expect(back.code === 0 || back.stderr.includes('no open run')).toBe(true);
  expect((await runs.result(id)).outcome).toBe('completed');
});

test('an aborted run exits with 5, and says who and why', async () => {
  released = false;
  const running = startCommand(args('run', 'verify-backup', '--system', names.well), env);
  const id = await until('it started', () => /^(\S+) started/m.exec(running.stdout)?.[1]);
  await until('the step runs', () => running.stdout.includes('50 %'));
  const answer = await command(['abort', id, '--reason', 'wrong system', '--as', 'ada'], env);
  expect(answer.stdout).toContain('Aborting');
  const { code, stdout } = await running.ended;
  expect(stdout).toContain('Aborted by ada: wrong system');
  expect(code).toBe(5);
  released = true;
});

test('backups: a table from the worker', async () => {
  const { stdout, code } = await command(args('backups', '--system', names.well), env);
  expect(stdout).toMatch(
    /20260102T030405Z-0a1b2c3d\s+daily\s+2026-01-02T03:04:05.000Z\s+1.2 MB\s+main\s+proven/,
  );
  expect(code).toBe(0);
});

test.skipIf(!existsSync('/usr/bin/script'))(
  'in a terminal the tree is redrawn in place, and stays when the run has ended',
  async () => {
    const line = [
      process.execPath,
      'bin/runbook.js',
      ...args('run', 'check-health', '--system', names.well),
    ].join(' ');
    const shown = await new Promise<string>((resolve) => {
      const child = spawn('/usr/bin/script', ['--quiet', '--return', '--command', line, '/dev/null'], {
        cwd: root,
        env: { PATH: process.env['PATH'] ?? '', TERM: 'xterm', NO_COLOR: '1', HOME: '/nonexistent', ...env },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let text = '';
      child.stdout.setEncoding('utf8').on('data', (more: string) => (text += more));
      child.on('close', () => resolve(text));
    });
    const last = shown.slice(shown.lastIndexOf('\u001b[?25h'));
    expect(shown).toContain('\u001b[?25l');
    expect(last).toMatch(/Health check +well-\w+ +completed/);
    expect(last).toMatch(/✓ \d+(\.\d+)* /);
    expect(last).toContain('done in');
  },
);

test('a reader that leaves early is no error', async () => {
  const done = spawnSync(
    'bash',
    ['-c', 'set -o pipefail; "$0" bin/runbook.js schema | head -c 10', process.execPath],
    {
      cwd: root,
      encoding: 'utf8',
    },
  );
  expect(done.stderr).toBe('');
  expect(done.stdout).toHaveLength(10);
  expect(done.status).toBe(0);
});
