/** Which backup to restore from. */
import type { ApplicationFailure } from '@temporalio/common';
import type { BackupSummary } from '../contract.ts';
import { failure } from '../failures.ts';

/**
 * By id: that one, if it can be read and has all components in `need`. Without: the newest that was verified, proven or not;
 * never one that nobody looked at. An older proven one would lose the data since then for a proof that every restore makes
 * anyway: it is compared with the manifest before anything live is replaced. `NoUsableBackup` says of each why it will not do.
 */
export function choose(
  backups: readonly BackupSummary[],
  id: string | null,
  need: readonly string[],
): BackupSummary {
  if (id !== null) {
    const asked = backups.find((backup) => backup.id === id);
    if (!asked) throw unusable(`There is no backup ${id}`, backups, need);
    const obstacle = obstacleOf(asked, need);
    if (obstacle) throw unusable(`Backup ${id} cannot be used: ${obstacle}`, backups, need);
    return asked;
  }
  const usable = newestFirst(backups).filter((backup) => obstacleOf(backup, need) === undefined);
  const chosen = usable.find(({ state }) => state === 'proven' || state === 'verified');
  if (!chosen) throw unusable('No backup can be used', backups, need);
  return chosen;
}

function obstacleOf(backup: BackupSummary, need: readonly string[]): string | undefined {
  if (backup.state === 'unreadable') return backup.why ?? 'it cannot be read';
  if (backup.state === 'removing') return 'it is being removed';
  const missing = need.filter((store) => !backup.components.includes(store));
  return missing.length > 0 ? `it has no ${missing.join(', ')}` : undefined;
}

/** Most recently taken first. */
export function newestFirst<Backup extends BackupSummary>(backups: readonly Backup[]): Backup[] {
  return backups.toSorted(
    (a, b) => Date.parse(b.takenAt) - Date.parse(a.takenAt) || b.id.localeCompare(a.id),
  );
}

function unusable(
  what: string,
  backups: readonly BackupSummary[],
  need: readonly string[],
): ApplicationFailure {
  const described = newestFirst(backups).map((backup) => {
    const why =
      obstacleOf(backup, need) ??
      (backup.state === 'unverified' ? 'it was never verified' : 'it can be used');
    return `${backup.id} (${backup.state}): ${why}`;
  });
  const shown = described.slice(0, 10);
  if (described.length > shown.length) shown.push(`and ${described.length - shown.length} older`);
  return failure('NoUsableBackup', {
    what: [
      `${what}.`,
      ...(shown.length > 0 ? ['There are:', ...shown.map((line) => `  ${line}`)] : ['There are none.']),
    ].join('\n'),
    hint: 'Take a new backup, or name one that can be read by its id.',
    retryable: false,
  });
}
