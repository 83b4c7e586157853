/** J13: a backup that counts only after every byte was read back. */
import { backupKind } from '../inventory/backup-names.ts';
import { backupPolicy, storeOf, takeBackup } from './parts/procedures/backup.ts';
import { runbook } from './parts/runbook.ts';

export const fullBackup = runbook({
  name: 'full-backup',
  title: 'Full backup',
  summary:
    'Dumps every store in parallel, streamed and compressed, writes the signed manifest last, reads every byte back, then applies retention, which never removes the newest proven backup or one in use, and removes data that a restore replaced once its declared time is over.',
  covers: ['J13'],
  input: { kind: backupKind.default('manual').describe('What it is for; retention keeps by age.') },
  examples: ['runbook run full-backup --system demo', 'runbook run full-backup --system demo --kind daily'],

  async steps(run, { kind }) {
    const taken = await takeBackup(run, kind);
    const place = { system: run.system.name, backup: backupPolicy(run.system) };
    const retention = await run.step('Apply retention', (activities) => activities.applyRetention(place), {
      ifSkipped: { removed: [], kept: [] },
      note: (done) => `${done.removed.length} removed, ${done.kept.length} kept`,
    });
    const purged = await run.together(Object.keys(run.system.stores), (store) =>
      run.step(
        `Remove replaced data of ${store} whose time is over`,
        (activities) => activities.purgeKept(storeOf(run.system, store)),
        {
          ifSkipped: { removed: [] },
          note: (done) => done.removed.join(', ') || 'none',
        },
      ),
    );
    return { ...taken, removed: retention.removed, purged: purged.flatMap((one) => one.removed) };
  },
});
