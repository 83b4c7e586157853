/** The bundle's entry: every workflow type a worker serves. */
import { workflowInfo } from '@temporalio/workflow';
import { allRunbooks } from './catalogue.ts';
import { refusal } from './parts/failures.ts';

export { checkHealth } from './check-health.ts';
export { fullBackup } from './full-backup.ts';
export { gracefulShutdown } from './graceful-shutdown.ts';
export { listBackups } from './list-backups.ts';
export { lock } from './parts/lock.ts';
export { recoverDatabase } from './recover-database.ts';
export { restoreBackup } from './restore-backup.ts';
export { restoreDrill } from './restore-drill.ts';
export { startSystem } from './start-system.ts';
export { verifyBackup } from './verify-backup.ts';

/** Any other type: refused at once, where Temporal would retry the task for ever. */
export default async function unknownRunbook(): Promise<never> {
  const known = allRunbooks.map((one) => one.workflowType).join(', ');
  throw refusal(
    'InvalidInput',
    `There is no runbook "${workflowInfo().workflowType.slice(0, 100)}". There are: ${known}. Nothing was started.`,
  );
}
