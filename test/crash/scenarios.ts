/** What is run and killed: each runbook with its start state, and the quickest way back to it. */
import { cp, mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { damageHeapPage, silentIndexDamage } from '../../tools/damage.ts';
import { startPostgres } from '../../tools/servers/postgres.ts';
import type { PreparedDemo } from '../../demo/prepare.ts';
import type { Lab } from '../support/lab.ts';

export interface Scenario {
  /** As it is named on the command line. */
  name: string;
  workflowType: string;
  input: Record<string, unknown>;
  /** The database that the shop's is made from before each run; undefined: it is left as it is. */
  database?: string;
  /** Whether the shop runs when the run begins. */
  running: boolean;
}

export const scenarios: readonly Scenario[] = [
  { name: 'full-backup', workflowType: 'fullBackup', input: {}, running: true },
  {
    name: 'recover-database-heap',
    workflowType: 'recoverDatabase',
    input: {},
    database: 'crash_heap',
    running: true,
  },
  {
    name: 'recover-database-index',
    workflowType: 'recoverDatabase',
    input: {},
    database: 'crash_index',
    running: true,
  },
  {
    name: 'restore-backup',
    workflowType: 'restoreBackup',
    input: {},
    database: 'crash_changed',
    running: true,
  },
  {
    name: 'graceful-shutdown',
    workflowType: 'gracefulShutdown',
    input: { reason: 'crash test', notice: '0s' },
    running: true,
  },
  { name: 'start-system', workflowType: 'startSystem', input: {}, running: false },
];

/** Databases of the harness, kept in the shop's cluster to make the shop's database from. */
export const templates = ['crash_clean', 'crash_changed', 'crash_heap', 'crash_index'] as const;

/** Makes the templates while nothing of the shop runs. */
export async function makeTemplates(demo: PreparedDemo): Promise<void> {
  const directory = path.join(demo.root, 'postgres');
  const server = await startPostgres({ directory, port: demo.ports.postgres, password: 'not used' });
  try {
    for (const name of templates) await server.psql(`create database ${name} template shop owner shop`);
    await server.psql(
      `update orders set status = 'written after the backup' where id % 7 = 0; delete from order_lines where order_id % 11 = 0`,
      'crash_changed',
    );
    await damageHeapPage(server, { database: 'crash_heap', table: 'orders' });
    await silentIndexDamage(server, {
      database: 'crash_index',
      index: 'orders_reference_key',
      change: `insert into orders (customer_id, reference, status, placed_at)
        select 1, 'lost-' || n, 'placed', '2026-01-01' from generate_series(1, 50) n`,
    });
  } finally {
    await server.stop();
  }
  await rm(path.join(directory, 'socket'), { recursive: true, force: true });
}

/** The lab with the shop running and one proven backup: what every scenario starts from. */
export async function settle(lab: Lab): Promise<void> {
  await lab.run('startSystem');
  await lab.run('fullBackup');
  await lab.run('restoreDrill');
  await cp(lab.demo.backupsDirectory, saved(lab, 'backups'), { recursive: true });
}

/**
 * Back to a scenario's start state, by the inverse of what its run did: a whole system copied back would take longer than
 * the run. A worker that nobody kills must be polling.
 */
export async function reset(lab: Lab, scenario: Scenario): Promise<void> {
  const { demo } = lab;
  const isRunning = await answers(lab);
  await replaceDirectory(saved(lab, 'backups'), demo.backupsDirectory);
  if (scenario.running && !isRunning) await lab.run('startSystem');
  if (scenario.database !== undefined) {
    await makeDatabase(lab, scenario.database);
    for (const entry of await readdir(path.join(demo.root, 'redis'))) {
      if (entry.startsWith('data.replaced-')) {
        await rm(path.join(demo.root, 'redis', entry), { recursive: true, force: true });
      }
    }
    await demo.redis('SET', 'crash:written-after-the-backup', scenario.name);
  }
  if (!scenario.running && isRunning) {
    await lab.run('gracefulShutdown', { reason: 'to be started', notice: '0s', backup: false });
    await replaceDirectory(saved(lab, 'backups'), demo.backupsDirectory);
  }
}

async function makeDatabase(lab: Lab, template: string): Promise<void> {
  const { demo } = lab;
  const rows = await demo.psql(`select datname from pg_database where datname ~ '^shop'`, 'postgres');
  for (const { datname } of rows)
    await demo.psql(`drop database "${datname ?? ''}" with (force)`, 'postgres');
  // The files as they are: what is damaged in the template is damaged in the copy.
  await demo.psql(`create database shop template ${template} strategy file_copy owner shop`, 'postgres');
}

async function replaceDirectory(from: string, to: string): Promise<void> {
  await rm(to, { recursive: true, force: true });
  await mkdir(to, { mode: 0o700 });
  await cp(from, to, { recursive: true });
}

async function answers(lab: Lab): Promise<boolean> {
  return await fetch(`http://127.0.0.1:${lab.demo.ports.web}/health`).then(
    ({ ok }) => ok,
    () => false,
  );
}

function saved(lab: Lab, name: string): string {
  return path.join(path.dirname(lab.demo.root), `saved-${name}`);
}
