/** J14: a backup is only proven by restoring it. Into scratch, compared, measured against the objectives, thrown away. */
import { backupId } from '../inventory/backup-names.ts';
import { milliseconds } from '../inventory/duration.ts';
import { backupPolicy } from './parts/procedures/backup.ts';
import { restoreAndProve, withBackup } from './parts/procedures/restore.ts';
import { runbook } from './parts/runbook.ts';

export const restoreDrill = runbook({
  name: 'restore-drill',
  title: 'Restore drill',
  summary:
    'Restores a backup into scratch, compares it with the manifest, measures the recovery time and the backup age against each tier, and marks the backup as proven. The live data is never touched.',
  covers: ['J14', 'I9'],
  exclusive: false,
  onFailure: 'undo',
  input: {
    backup: backupId.optional().describe('Which one; without it the newest that was verified.'),
  },
  examples: ['runbook run restore-drill --system demo'],

  async steps(run, { backup }) {
    const { system } = run;
    const policy = backupPolicy(system);
    return withBackup(run, backup ?? null, policy.components, async (chosen) => {
      const restored = await run.together(policy.components, (store) =>
        restoreAndProve(run, store, chosen.id, 'drill'),
      );
      await run.together(restored, ({ request, replacement }) =>
        run.step(
          `Throw the scratch copy of ${request.store} away`,
          (activities) => activities.discardReplacement({ ...request, replacement }),
          {
            ifSkipped: { removed: false },
          },
        ),
      );
      const rtoMs = Math.max(...restored.map(({ replacement }) => replacement.tookMs));
      const proof = {
        restoredAt: run.now,
        runId: run.stamp,
        rtoMs,
        comparisons: restored.map(({ request, comparison }) => ({
          store: request.store,
          compared: comparison.compared,
          rows: comparison.rows,
        })),
      };
      await run.step('Record the proof', (activities) =>
        activities.recordProof({ system: system.name, backup: policy, id: chosen.id, proof }),
      );
      const ageMs = Date.parse(run.now) - Date.parse(chosen.takenAt);
      const objectives = restored.map(({ request }) => {
        const tier = String(system.services[request.spec.service]?.tier ?? 1);
        const promised = system.objectives[tier];
        return {
          store: request.store,
          tier,
          measuredRtoMs: rtoMs,
          promisedRto: promised?.rto ?? null,
          rtoKept: promised ? rtoMs <= milliseconds(promised.rto) : null,
          backupAgeMs: ageMs,
          promisedRpo: promised?.rpo ?? null,
          rpoKept: promised ? ageMs <= milliseconds(promised.rpo) : null,
        };
      });
      return { backup: chosen.id, proven: !run.dryRun, objectives, comparisons: proof.comparisons };
    });
  },
});
