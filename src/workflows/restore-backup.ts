/** J14: full recovery from a backup, every store proven before any live data is replaced. */
import { z } from 'zod';
import { backupId } from '../inventory/backup-names.ts';
import { stopOrder } from '../inventory/order.ts';
import { refusal } from './parts/failures.ts';
import { backupPolicy } from './parts/procedures/backup.ts';
import { restoreAndProve, withBackup, type StoreRestored } from './parts/procedures/restore.ts';
import { checkServices, startServices, stopServices, whatRuns } from './parts/procedures/services.ts';
import { closeTraffic, openTraffic } from './parts/procedures/traffic.ts';
import { planRestore, swapAll } from './parts/procedures/replace.ts';
import { runbook } from './parts/runbook.ts';

export const restoreBackup = runbook({
  name: 'restore-backup',
  title: 'Restore',
  summary:
    'Restores every store of a backup beside the live data, compares each with the manifest, and only then stops the services and swaps them in. What is replaced is kept for a declared time.',
  covers: ['J14'],
  failureLevel: 2,
  input: {
    backup: backupId.optional().describe('Which one; without it the newest that was verified.'),
    stores: z
      .array(z.string().max(63))
      .max(50)
      .default([])
      .describe('Only these; empty: every component of the backup policy.'),
  },
  examples: [
    'runbook run restore-backup --system demo',
    'runbook plan restore-backup --system demo --backup demo-manual-20260102T030405Z-0a1b2c3d',
  ],

  async steps(run, { backup, stores }) {
    const { system } = run;
    const wanted = stores.length > 0 ? [...new Set(stores)] : backupPolicy(system).components;
    for (const store of wanted) {
      if (!Object.hasOwn(system.stores, store)) {
        throw refusal(
          'InvalidInput',
          `${system.name} has no store "${store.slice(0, 60)}" (it has: ${Object.keys(system.stores).join(', ')}). Nothing was touched.`,
        );
      }
    }
    return withBackup(run, backup ?? null, wanted, async (chosen) => {
      await run.approval(
        `Replace ${wanted.join(' and ')} of ${system.name} by ${chosen.id}`,
        await planRestore(run, wanted, chosen.id),
      );
      const names = Object.keys(system.services);
      const before = await whatRuns(run, names);
      const proven = await run.together(wanted, (store) => restoreAndProve(run, store, chosen.id, 'replace'));
      const order = stopOrder(system);
      await closeTraffic(run, new Set(names.filter((name) => before.get(name)?.running)));
      await stopServices(run, order.applications, before);
      const restored: StoreRestored[] = await swapAll(run, proven, before, true);
      const ran = names.filter((name) => before.get(name)?.running);
      await startServices(run, ran, () => false);
      // From here on users write: going back would lose that.
      run.commit('the restored data is live');
      await openTraffic(run, ran);
      const health = run.dryRun
        ? []
        : await run.group('Full health check', (inner) => checkServices(inner, ran));
      return { backup: chosen.id, restored, healthy: health.every((one) => one.healthy), services: health };
    });
  },
});
