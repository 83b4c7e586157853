/** Every runbook there is. A new one is one file and one line here. */
import { checkHealth } from './check-health.ts';
import { fullBackup } from './full-backup.ts';
import { gracefulShutdown } from './graceful-shutdown.ts';
import { listBackups } from './list-backups.ts';
import type { RunbookDescription } from './parts/runbook.ts';
import { recoverDatabase } from './recover-database.ts';
import { restoreBackup } from './restore-backup.ts';
import { restoreDrill } from './restore-drill.ts';
import { startSystem } from './start-system.ts';
import { verifyBackup } from './verify-backup.ts';

export const runbooks = {
  startSystem,
  checkHealth,
  gracefulShutdown,
  fullBackup,
  verifyBackup,
  listBackups,
  restoreBackup,
  recoverDatabase,
  restoreDrill,
};

export const allRunbooks: RunbookDescription[] = Object.values(runbooks).map((one) => one.definition);
export type { RunbookDescription };
