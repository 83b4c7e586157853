/** The main job, on real parts: a shop is backed up, damaged, recovered, stopped and started; rows are counted by plain SQL. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { leftovers } from '../../demo/prepare/leftovers.ts';
import { fingerprint } from '../../demo/shop.ts';
import type { BackupSummary, DamageReport } from '../../src/activities/contract.ts';
import { damageHeapPage, type DamageableServer, silentIndexDamage } from '../../tools/damage.ts';
import { CommandFailed, run } from '../../tools/lib/run.ts';
import { waitUntil } from '../../tools/lib/wait.ts';
import { type Lab, startLab, untilProgress } from '../support/lab.ts';

let lab: Lab;
let backup: string;
let atBackup: Map<string, string>;

interface Recovery {
  verdict: DamageReport['verdict'];
  cure: string;
  healthy: boolean;
  restored: { backupId: string; keptAs: string } | null;
}

beforeAll(async () => {
  lab = await startLab({ name: 'shop' });
  await lab.startWorker();
  await lab.run('startSystem');
});
afterAll(() => lab.stop());

/** The shop's own cluster as something that fails: stopped as a machine stops it, started again by the runbook. */
function cluster(): DamageableServer {
  return {
    dataDirectory: path.join(lab.demo.root, 'postgres', 'data'),
    psql: (sql, database) => lab.demo.psql(sql, database),
    stop: async () => {
      const postmaster = leftovers(lab.demo.root).find(({ program }) => program.endsWith('/postgres'));
      if (!postmaster) return;
      process.kill(postmaster.pid, 'SIGINT');
      await waitUntil(() => !leftovers(lab.demo.root).some(({ program }) => program.endsWith('/postgres')));
    },
    start: async () => {
      await lab.run('startSystem');
    },
  };
}

async function health(service: 'api' | 'search' | 'reports' | 'web'): Promise<number> {
  return (await fetch(`http://127.0.0.1:${lab.demo.ports[service]}/health`)).status;
}

async function order(reference: string): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${lab.demo.ports.api}/orders`, {
    method: 'POST',
    body: JSON.stringify({ reference, customerId: 1, lines: [{ productId: 2, quantity: 3 }] }),
  });
  await response.body?.cancel();
  return response.status;
}

async function databases(): Promise<string[]> {
  const rows = await lab.demo.psql(
    'select datname from pg_database where not datistemplate order by 1',
    'postgres',
  );
  return rows.map(({ datname }) => datname ?? '');
}

async function backups(): Promise<BackupSummary[]> {
  const report = await lab.run<{ backups?: BackupSummary[] } | BackupSummary[]>('listBackups');
  return Array.isArray(report.output) ? report.output : (report.output.backups ?? []);
}

/** The `runbook` command as a user types it. */
async function command(
  ...args: string[]
): Promise<{ exitCode: number | undefined; stdout: string; stderr: string }> {
  const where = ['--address', lab.temporal.address, '--systems', lab.demo.systemsDirectory];
  const argv = ['src/client/main.ts', ...args, ...where, '--task-queue', lab.taskQueue];
  try {
    const done = await run(process.execPath, argv, {
      cwd: path.join(import.meta.dirname, '../..'),
      env: { TEMPORAL_CONFIG_FILE: '/dev/null' },
    });
    return { ...done, exitCode: 0 };
  } catch (error) {
    if (error instanceof CommandFailed) return error;
    throw error;
  }
}

/** The output in the last line of what `run --json` printed. */
function reported(stdout: string): unknown {
  const last = stdout.trim().split('\n').at(-1) ?? '';
  return (JSON.parse(last) as { report?: { output?: unknown } }).report?.output;
}

describe('the main job', () => {
  it('a full backup is read back and counts as verified [J13]', async () => {
    atBackup = await fingerprint(lab.demo);
    const { output } = await lab.run<{ id: string; verified: boolean; bytes: number }>('fullBackup');
    backup = output.id;
    expect(output.verified).toBe(true);
    expect(await backups()).toMatchObject([{ id: backup, state: 'verified', signed: true }]);
  });

  it('a restore drill proves it, and leaves nothing behind [J14 I9]', async () => {
    const { output } = await lab.run<{ proven: boolean }>('restoreDrill');
    expect(output.proven).toBe(true);
    expect(await backups()).toMatchObject([{ id: backup, state: 'proven' }]);
    expect(await databases()).toEqual(['postgres', 'shop']);
  });

  it('damaged rows: restores the proven backup, keeps the damaged database, and the shop sells again [J9]', async () => {
    expect(await order('after-the-backup')).toBe(201);
    await damageHeapPage(cluster(), { database: 'shop', table: 'orders' });
    await expect(lab.demo.psql('select count(status) from orders')).rejects.toThrow(
      /invalid page in block 5/,
    );

    const { output } = await lab.run<Recovery>('recoverDatabase');

    expect(output).toMatchObject({ verdict: 'heap', cure: 'restore', healthy: true });
    expect(output.restored?.backupId).toBe(backup);
    expect(await fingerprint(lab.demo)).toEqual(atBackup);
    expect(await databases()).toEqual(['postgres', 'shop', output.restored?.keptAs]);
    expect(await health('api')).toBe(200);
    expect(await order('after-the-recovery')).toBe(201);
  });

  it('a silently damaged index: is rebuilt, and nothing is restored [J9]', async () => {
    await silentIndexDamage(cluster(), {
      database: 'shop',
      index: 'orders_reference_key',
      change: `insert into orders (customer_id, reference, status, placed_at) values (1, 'lost', 'placed', '2026-01-01')`,
    });
    const before = await fingerprint(lab.demo);
    const kept = await databases();
    const byIndex = async () =>
      (await lab.demo.psql(`set enable_seqscan = off; select id from orders where reference = 'lost'`))
        .length;
    expect(await byIndex()).toBe(0);

    const { output } = await lab.run<Recovery>('recoverDatabase');

    expect(output).toMatchObject({ verdict: 'index', cure: 'reindex', healthy: true, restored: null });
    expect(await byIndex()).toBe(1);
    expect(await fingerprint(lab.demo)).toEqual(before);
    expect(await databases()).toEqual(kept);
    expect(await health('api')).toBe(200);
  });

  it('nothing damaged: looks, and touches nothing', async () => {
    const processes = leftovers(lab.demo.root).map(({ pid }) => pid);
    const { output } = await lab.run<Recovery>('recoverDatabase');
    expect(output).toMatchObject({ verdict: 'healthy', cure: 'none' });
    expect(leftovers(lab.demo.root).map(({ pid }) => pid)).toEqual(expect.arrayContaining(processes));
  });

  it('a second runbook is refused by the name of the first', async () => {
    const holder = await lab.start('gracefulShutdown', { reason: 'kernel update', notice: '10m' });
    await untilProgress(lab, holder, ({ phase }) => phase === 'notice');
    const { exitCode, stdout, stderr } = await command('run', 'full-backup', '--system', 'shop');
    expect(exitCode).toBe(4);
    expect(`${stdout}${stderr}`).toContain(holder.workflowId);
    expect(await backups()).toHaveLength(1);
    await holder.executeUpdate('abort', { args: [{ by: 'alice', reason: 'the test is over' }] });
    await expect(holder.result()).rejects.toThrow();
    expect(await health('api')).toBe(200);
  });

  it('a health check names what is unwell, with code and latency, and ends with 3 [J7]', async () => {
    const check = async () => await command('run', 'check-health', '--system', 'shop', '--json');
    const well = await check();
    expect(well.exitCode).toBe(0);
    expect(reported(well.stdout)).toMatchObject({ healthy: true });

    const api = leftovers(lab.demo.root).find(({ pid }) =>
      readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('api.ts'),
    );
    if (!api) throw new Error('the shop has no api');
    process.kill(api.pid, 'SIGKILL');
    const ill = await check();
    expect(ill.exitCode).toBe(3);
    const report = reported(ill.stdout);
    expect(report).toMatchObject({ healthy: false });
    expect(JSON.stringify(report)).toMatch(/ECONNREFUSED|refused|not running/);
    await lab.run('startSystem');
    expect((await check()).exitCode).toBe(0);
  });

  it('stops everything in order after a backup of its own, and starts it again with the same data [J1 J3 J4]', async () => {
    const before = await fingerprint(lab.demo);
    const down = await lab.run<{ backup: { id: string } | null }>('gracefulShutdown', {
      reason: 'kernel update',
      notice: '0s',
    });
    expect(leftovers(lab.demo.root)).toEqual([]);
    expect(lab.slack.texts().join('\n')).toContain('kernel update');

    const up = await lab.run<{ healthy: boolean }>('startSystem');
    expect(up.output.healthy).toBe(true);
    for (const service of ['api', 'search', 'reports', 'web'] as const)
      expect(await health(service)).toBe(200);
    expect(await fingerprint(lab.demo)).toEqual(before);
    const listed = await backups();
    expect(listed.map(({ id }) => id).sort()).toEqual([backup, down.output.backup?.id].sort());
  });

  it('survives the death of Temporal in the middle of a backup', async () => {
    const handle = await lab.start('fullBackup');
    await untilProgress(lab, handle, ({ steps }) => steps.length > 0);
    await lab.temporal.kill();
    await sleep(500);
    await lab.temporal.start();
    const status = await waitUntil(
      async () => {
        const { status } = await handle.describe();
        return status.name === 'RUNNING' ? undefined : status.name;
      },
      { timeoutMs: 100_000, intervalMs: 200 },
    );
    expect(status).toBe('COMPLETED');
    expect(await backups()).toHaveLength(3);
  });
});
