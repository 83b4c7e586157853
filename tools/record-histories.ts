/**
 * `npm run record-histories`: records a history of every runbook, and of what may happen to one, for test/replay. Against a
 * lab in a neutral directory, without names of this machine. Writes test/replay/histories/<runbook>-<case>.json.gz.
 */
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { homedir, hostname } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import type { WorkflowHandle } from '@temporalio/client';
import { makeTemplates, reset, type Scenario, settle } from '../test/crash/scenarios.ts';
import { answerApprovals } from '../test/support/approve.ts';
import { startLab, untilProgress } from '../test/support/lab.ts';
import { historiesDirectory } from '../test/replay/histories.ts';
import { run } from './lib/run.ts';
import { ensure } from './setup.ts';

const root = process.argv[2] ?? '/srv/durable-runbooks-lab';
const largest = 300 * 1024;
/** What names this machine, and no replay looks at. */
const neutral: Record<string, string> = { identity: 'worker', stackTrace: '' };
const scenario = (database: string): Scenario => ({
  name: database,
  workflowType: '',
  input: {},
  database,
  running: true,
});

await rm(root, { recursive: true, force: true });
await mkdir(root, { recursive: true, mode: 0o755 });
const temporal = await ensure('temporal');
const lab = await startLab({
  name: 'shop',
  root,
  // The same each time: they are in the histories.
  ports: { postgres: 15_432, redis: 16_379, api: 18_080, search: 18_081, reports: 18_082, web: 18_083 },
  prepared: makeTemplates,
});
const recorded: string[] = [];
try {
  const worker = await lab.startWorker();
  await worker.ready();
  await rm(historiesDirectory, { recursive: true, force: true });
  await mkdir(historiesDirectory, { recursive: true });
  await recordAll();
  await worker.kill();
} finally {
  await lab.stop();
  await rm(root, { recursive: true, force: true });
}
console.log(`${recorded.length} histories recorded:\n${recorded.join('\n')}`);

async function recordAll(): Promise<void> {
  await record('start-system-cold', await lab.start('startSystem'));
  await record('start-system-running', await lab.start('startSystem', { only: ['api'] }));
  await record('check-health-all', await lab.start('checkHealth'));
  await record('verify-backup-none', await lab.start('verifyBackup'));
  await record('full-backup-first', await lab.start('fullBackup', { kind: 'daily' }));
  await record('full-backup-plan', await lab.start('fullBackup', { dryRun: true }));
  await record('verify-backup-newest', await lab.start('verifyBackup'));
  await record('restore-drill-newest', await lab.start('restoreDrill'));
  await record('list-backups-one', await lab.start('listBackups'));
  await settle(lab);
  await record('restore-backup-plan', await lab.start('restoreBackup', { dryRun: true }));
  await record('restore-backup-all', await lab.start('restoreBackup'));
  await record('recover-database-healthy', await lab.start('recoverDatabase'));
  await reset(lab, scenario('crash_index'));
  await record('recover-database-index', await lab.start('recoverDatabase'));
  await reset(lab, scenario('crash_heap'));
  await recordRejection();
  await record('recover-database-heap', await lab.start('recoverDatabase'));
  await recordRefusal();
  await recordParking();
  await recordKill();
  await record('full-backup-bad-input', await lab.start('fullBackup', { knd: 'daily' }));
  const down = await lab.start('gracefulShutdown', { reason: 'kernel update', notice: '1s' });
  await record('graceful-shutdown-all', down);
}

async function recordRejection(): Promise<void> {
  const handle = await lab.start('recoverDatabase');
  await untilProgress(lab, handle, ({ phase }) => phase === 'waiting-approval');
  await handle.executeUpdate('reject', { args: [{ by: 'bob', reason: 'not now' }] });
  await record('recover-database-rejected', handle);
}

/** One that waits for its turn, one that is refused, and the holder, which is aborted during its notice. */
async function recordRefusal(): Promise<void> {
  const holder = await lab.start('gracefulShutdown', { reason: 'kernel update', notice: '10m' });
  await untilProgress(lab, holder, ({ phase }) => phase === 'notice');
  await record('full-backup-refused', await lab.start('fullBackup'));
  const queued = await lab.start('fullBackup', { whenBusy: 'queue' });
  await untilProgress(lab, queued, ({ headline }) => headline.startsWith('Waiting for its turn'));
  await holder.executeUpdate('extendNotice', { args: [{ by: 'alice', for: '5m' }] });
  await holder.executeUpdate('abort', { args: [{ by: 'alice', reason: 'not today' }] });
  await record('graceful-shutdown-aborted', holder);
  await record('full-backup-queued', queued);
}

/** A step that fails until somebody mends its cause and retries it. */
async function recordParking(): Promise<void> {
  const away = `${lab.demo.backupsDirectory}-away`;
  await rename(lab.demo.backupsDirectory, away);
  await writeFile(lab.demo.backupsDirectory, 'not a directory');
  const handle = await lab.start('fullBackup');
  await untilProgress(lab, handle, ({ parked }) => parked.length === 2, 120_000);
  await handle.executeUpdate('acknowledge', { args: [{ by: 'alice' }] });
  await rm(lab.demo.backupsDirectory);
  await rename(away, lab.demo.backupsDirectory);
  for (const step of (await lab.progress(handle)).parked) {
    await handle.executeUpdate('retryStep', { args: [{ by: 'alice', step }] });
  }
  await record('full-backup-parked', handle);
}

/** The worker is killed in the middle. */
async function recordKill(): Promise<void> {
  const taskQueue = `${lab.taskQueue}-killed`;
  const first = await lab.startWorker({ taskQueue, kill: 'after:dumpStore#1' });
  const handle = await lab.start('fullBackup', {}, taskQueue);
  await first.exited;
  const second = await lab.startWorker({ taskQueue });
  await record('full-backup-killed', handle);
  await second.kill();
}

/** Waits for the end of a run, whatever it is, and writes its history; the lock's too, once. */
async function record(name: string, handle: WorkflowHandle): Promise<void> {
  const answering = answerApprovals(handle);
  await handle.result().catch(() => undefined);
  answering.stop();
  await write(name, handle.workflowId);
  if (!recorded.includes('lock-held') && name === 'full-backup-first') await write('lock-held', 'lock/shop');
}

async function write(name: string, workflowId: string): Promise<void> {
  const { stdout } = await run(
    temporal,
    ['workflow', 'show', '--address', lab.temporal.address, '--workflow-id', workflowId, '--output', 'json'],
    { env: { TEMPORAL_CONFIG_FILE: '/dev/null' } },
  );
  const history = JSON.parse(stdout, (key, value: unknown) =>
    key in neutral ? neutral[key] : value,
  ) as unknown;
  const text = JSON.stringify(history);
  assertNeutral(name, text);
  const bytes = gzipSync(text, { level: 9 });
  if (bytes.length > largest) throw new Error(`${name} has ${bytes.length} bytes, more than ${largest}`);
  await writeFile(path.join(historiesDirectory, `${name}.json.gz`), bytes);
  recorded.push(`${name}  ${Math.round(bytes.length / 1024)} KiB`);
}

/** What a payload holds is base64: looked into as well. */
function assertNeutral(name: string, text: string): void {
  const payloads = [...text.matchAll(/"data":"([A-Za-z0-9+/=]*)"/g)].map(([, data = '']) =>
    Buffer.from(data, 'base64').toString('utf8'),
  );
  const checkout = path.dirname(import.meta.dirname);
  for (const word of [hostname(), homedir(), checkout, path.dirname(process.execPath)]) {
    if (word.length > 3 && [text, ...payloads].some((part) => part.includes(word))) {
      throw new Error(`The history ${name} holds "${word}", which is this machine's`);
    }
  }
}
