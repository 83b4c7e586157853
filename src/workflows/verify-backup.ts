/** J13: reading a stored backup back, byte for byte. */
import type { BackupPlace } from '../activities/contract.ts';
import { backupId } from '../inventory/backup-names.ts';
import { refusal } from './parts/failures.ts';
import { backupPolicy } from './parts/procedures/backup.ts';
import type { Run } from './parts/run.ts';
import { runbook } from './parts/runbook.ts';

export const verifyBackup = runbook({
  name: 'verify-backup',
  title: 'Backup verification',
  summary:
    'Reads every stored byte of a backup back, compares sizes and hashes with the signed manifest, and opens the dumps with their own tools.',
  covers: ['J13'],
  exclusive: false,
  onFailure: 'fail',
  input: { backup: backupId.optional().describe('Which one; without it the newest.') },
  examples: ['runbook run verify-backup --system demo'],

  async steps(run, { backup }) {
    const place = { system: run.system.name, backup: backupPolicy(run.system) };
    const id = backup ?? (await newest(run, place));
    return run.step(`Read ${id} back`, async (activities) => {
      const seen = await activities.verifyBackup({ ...place, id });
      if (!seen.ok && !run.dryRun) {
        throw refusal(
          'BackupDamaged',
          `Backup ${id} is damaged: ${seen.problems.slice(0, 8).join('; ')}.\nIt no longer counts. Next: take a new one with \`runbook run full-backup --system ${run.system.name}\`.`,
          { problems: seen.problems.slice(0, 50) },
        );
      }
      return seen;
    });
  },
});

async function newest(run: Run, place: BackupPlace): Promise<string> {
  const all = await run.step('Find the newest backup', (activities) => activities.listBackups(place));
  const [first] = all
    .filter((one) => one.state !== 'removing')
    .sort((a, b) => b.finishedAt.localeCompare(a.finishedAt));
  if (!first)
    throw refusal(
      'NoUsableBackup',
      `${run.system.name} has no backup. Next: \`runbook run full-backup --system ${run.system.name}\`.`,
    );
  return first.id;
}
