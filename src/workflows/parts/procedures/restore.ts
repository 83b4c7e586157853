/** Restoring: beside what is there, compared with the backup, and only then swapped in; the replaced data is kept. */
import type { BackupSummary } from '../../../activities/contract.ts';
import type {
  Comparison,
  Replacement,
  RestoreRequest,
  Swapped,
} from '../../../activities/stores/contract.ts';
import { refusal } from '../failures.ts';
import type { Run } from '../run.ts';
import { backupPolicy, storeOf } from './backup.ts';

export interface StoreRestored {
  store: string;
  backupId: string;
  takenAt: string;
  comparison: Comparison;
  /** What the replaced data is called now; null in a dry run. */
  keptAs: string;
  keptUntil: string;
}

/** Restores one store beside the live one and proves it. The live data is not touched. */
export async function restoreAndProve(
  run: Run,
  store: string,
  backupId: string,
  purpose: RestoreRequest['purpose'],
): Promise<{ request: RestoreRequest; replacement: Replacement; comparison: Comparison }> {
  const { system } = run;
  const request: RestoreRequest = {
    ...storeOf(system, store),
    backup: backupPolicy(system),
    backupId,
    purpose,
  };
  const replacement = await run.step(
    `Restore ${store} beside the live data`,
    (activities) => activities.restoreBeside(request),
    {
      note: (made) => made.name,
      undo: async (activities) => {
        await activities.discardReplacement({
          ...request,
          replacement: { name: '', backupId, takenAt: '', tookMs: 0 },
        });
      },
    },
  );
  const comparison = await run.step(
    `Compare the restored ${store} with the backup`,
    async (activities) => {
      const seen = await activities.compareReplacement({ ...request, replacement });
      const broken = seen.validations.filter((validation) => !validation.ok);
      if (!seen.equal || broken.length > 0) {
        const why = [
          ...seen.differences,
          ...broken.map((one) => `${one.name}: ${one.value ?? 'nothing'}, expected ${one.expected}`),
        ];
        throw refusal(
          'ComparisonFailed',
          `The restored ${store} differs from backup ${backupId}: ${why.slice(0, 5).join('; ')}.\nThe live data is untouched. Next: \`runbook backups --system ${system.name}\`, abort, and choose another backup.`,
        );
      }
      return seen;
    },
    {
      foreseen: { equal: true, compared: 0, unit: 'tables', rows: '0', differences: [], validations: [] },
      note: (seen) => `${seen.compared} ${seen.unit}, ${seen.rows} rows, all equal`,
    },
  );
  return { request, replacement, comparison };
}

/**
 * Puts a proven replacement in the place of the live data.
 * @param back whether an abort later on puts the replaced data back: yes where it was sound, no where it was damaged.
 */
export async function swapIn(
  run: Run,
  request: RestoreRequest,
  replacement: Replacement,
  back: boolean,
): Promise<Swapped> {
  // Filled in by the step. Null: whether it happened is not known (its answer was lost), and the way back looks for itself.
  let swapped: Swapped | null = null;
  return run.step(
    `Swap the restored ${request.store} in`,
    async (activities) => {
      swapped = await activities.swapIn({ ...request, replacement });
      return swapped;
    },
    {
      note: (done) => `the replaced data is kept as ${done.keptAs} until ${done.until}`,
      undo: back
        ? async (activities) => {
            await activities.swapBack({ ...request, replacement, swapped });
          }
        : undefined,
    },
  );
}

/** Chooses a backup and keeps retention away from it until the body has ended, however it ends. */
export async function withBackup<Result>(
  run: Run,
  id: string | null,
  need: string[],
  body: (backup: BackupSummary) => Promise<Result>,
): Promise<Result> {
  const place = { system: run.system.name, backup: backupPolicy(run.system) };
  const chosen = await run.step(
    'Choose the backup',
    (activities) => activities.chooseBackup({ ...place, id, need }),
    {
      note: (backup) => `${backup.id}, ${backup.state}, taken ${backup.takenAt}`,
    },
  );
  await run.step(
    'Keep retention away from it',
    (activities) => activities.leaseBackup({ ...place, id: chosen.id }),
    {
      undo: (activities) => activities.releaseBackup({ ...place, id: chosen.id }),
    },
  );
  const result = await body(chosen);
  await run.step(
    'Let retention have it again',
    (activities) => activities.releaseBackup({ ...place, id: chosen.id }),
    {
      ifSkipped: { released: false },
    },
  );
  return result;
}
