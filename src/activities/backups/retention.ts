/** Which backups may go. Pure: it decides from what is known, and touches nothing. */
import { milliseconds } from '../../inventory/duration.ts';
import type { Backup } from '../../inventory/schema/backup.ts';
import type { BackupSummary } from '../contract.ts';
import { newestFirst } from './choose.ts';

export interface RetentionDecision {
  remove: string[];
  keep: { id: string; why: string }[];
}

/**
 * What `retention` of the inventory comes to at `now`. A backup goes only if it is not among the newest `keepLast`, is
 * older than `keepFor`, and a newer one that is at least as good (a proven one for a proven one, else a verified or proven
 * one) has all of its components. So the newest proven and the newest verified backup always stay, and backups that
 * nobody looked at never push out one that somebody did. Those that cannot be read stay, and are reported.
 */
export function decideRetention(
  backups: readonly BackupSummary[],
  policy: Backup['retention'],
  now: Date,
): RetentionDecision {
  const decision: RetentionDecision = { remove: [], keep: [] };
  const readable: BackupSummary[] = [];
  for (const backup of newestFirst(backups)) {
    if (backup.state === 'unreadable') {
      decision.keep.push({ id: backup.id, why: `cannot be read: ${backup.why ?? 'reason unknown'}` });
    } else if (backup.state === 'removing') {
      decision.remove.push(backup.id);
    } else {
      const why = reasonToKeep(backup, readable, policy, now);
      if (why === undefined) decision.remove.push(backup.id);
      else decision.keep.push({ id: backup.id, why });
      readable.push(backup);
    }
  }
  return decision;
}

/** `newer`: the readable ones, all taken later. */
function reasonToKeep(
  backup: BackupSummary,
  newer: readonly BackupSummary[],
  policy: Backup['retention'],
  now: Date,
): string | undefined {
  if (newer.length < policy.keepLast) return `one of the newest ${policy.keepLast}`;
  const age = now.getTime() - Date.parse(backup.takenAt);
  if (age <= milliseconds(policy.keepFor)) return `not older than ${policy.keepFor}`;
  if (newer.some((other) => replaces(other, backup))) return undefined;
  const needed = backup.state === 'proven' ? 'proven' : 'verified or proven';
  return `no newer ${needed} backup has ${backup.components.join(', ')}`;
}

function replaces(other: BackupSummary, backup: BackupSummary): boolean {
  const good = other.state === 'proven' || (other.state === 'verified' && backup.state !== 'proven');
  return good && backup.components.every((store) => other.components.includes(store));
}
