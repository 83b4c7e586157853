/** The backups of a system and what each is worth. */
import { backupPolicy } from './parts/procedures/backup.ts';
import { runbook } from './parts/runbook.ts';

export const listBackups = runbook({
  name: 'list-backups',
  title: 'Backups',
  summary:
    'Lists the backups of a system: age, size, and whether each was verified or proven by a restore. Changes nothing.',
  covers: ['J13', 'J14'],
  mutates: false,
  onFailure: 'fail',
  input: {},
  examples: ['runbook backups --system demo'],

  async steps(run) {
    const backups = await run.step('List the backups', (activities) =>
      activities.listBackups({ system: run.system.name, backup: backupPolicy(run.system) }),
    );
    return { backups };
  },
});
