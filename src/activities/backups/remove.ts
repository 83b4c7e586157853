/** Applying retention: what may go is removed so that no half of a backup ever looks like one. */
import type { Call } from '../call.ts';
import { assertFence } from '../fence.ts';
import { userOf } from './lease.ts';
import { keys } from './manifest.ts';
import { openRuns, thisRun } from './owner.ts';
import { type OpenPlace, partsOfId, writeSmall } from './place.ts';
import { toText } from './records.ts';
import { decideRetention } from './retention.ts';
import { survey, type Surveyed } from './survey.ts';

/** Milliseconds after which what a killed run left, without a manifest, is removed. */
const leftoversAfter = 2 * 24 * 60 * 60_000;

export interface RetentionPlan {
  /** Ids, to be removed unless somebody turns out to read them. */
  remove: string[];
  /** `<id>: <why>`. */
  kept: string[];
}

/** What is to go, as it looks now. Reads only. */
export async function planRetention(place: OpenPlace): Promise<RetentionPlan> {
  const now = new Date();
  const backups = await survey(place);
  const { remove, keep } = decideRetention(backups, place.backup.retention, now);
  const plan: RetentionPlan = { remove: [], kept: [] };
  for (const id of remove) {
    const user = await userOf(place, id);
    if (user === undefined) plan.remove.push(id);
    else plan.kept.push(`${id}: in use by ${user}`);
  }
  const leftovers = await abandoned(place, backups, now);
  for (const { id, why } of keep) {
    if (leftovers.has(id)) plan.remove.push(id);
    else plan.kept.push(`${id}: ${why}`);
  }
  return plan;
}

/** Removes what the plan names. Each is looked at again: a lease may have been taken, or another may have removed it. */
export async function carryOut(
  place: OpenPlace,
  plan: RetentionPlan,
  call: Call,
  onRemoving: (id: string) => void,
): Promise<{ removed: string[]; kept: string[] }> {
  const done = { removed: [] as string[], kept: [...plan.kept] };
  for (const id of plan.remove) {
    place.signal.throwIfAborted();
    await assertFence(call);
    onRemoving(id);
    const user = await removeBackup(place, id);
    if (user === undefined) done.removed.push(id);
    else done.kept.push(`${id}: in use by ${user}; it goes once that has ended`);
  }
  return done;
}

/** Removes one backup, or answers who reads it. Safe to repeat, and to run twice at the same time. */
export async function removeBackup(place: OpenPlace, id: string): Promise<string | undefined> {
  const { storage, system } = place;
  await writeSmall(place, keys.removing(system, id), toText(thisRun()));
  const user = await userOf(place, id);
  if (user !== undefined) return user;
  // First what makes it a backup; the tombstone last, so that whoever comes after an interruption knows what to finish.
  await storage.remove(keys.manifest(system, id));
  await storage.abandonUploads(keys.backup(system, id));
  const others: string[] = [];
  for await (const { key } of storage.list(keys.backup(system, id))) {
    if (key !== keys.removing(system, id)) others.push(key);
  }
  for (const key of others) {
    place.signal.throwIfAborted();
    await storage.remove(key);
  }
  await storage.remove(keys.removing(system, id));
  return undefined;
}

/** Backups that never had a manifest, that nobody has touched for two days and whose run has ended. */
async function abandoned(place: OpenPlace, backups: readonly Surveyed[], now: Date): Promise<Set<string>> {
  const old = backups.filter(({ id, hasManifest, wasWhole, state, touchedAt }) => {
    const startedAt = partsOfId(place.system, id)?.startedAt ?? now;
    const quietSince = Math.max(startedAt.getTime(), touchedAt.getTime());
    return !hasManifest && !wasWhole && state === 'unreadable' && now.getTime() - quietSince > leftoversAfter;
  });
  if (old.length === 0) return new Set();
  const open = await openRuns();
  if (!open) return new Set();
  return new Set(old.map(({ id }) => id).filter((id) => !open.has(partsOfId(place.system, id)?.run ?? '')));
}
