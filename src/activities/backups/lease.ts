/**
 * Leases and tombstones: a restore reads a backup, a retention removes it, and neither may overtake the other.
 *
 * A reader writes its lease, then looks for a tombstone (removing.json). A remover writes the tombstone, then looks for
 * leases. Whichever order the two take, at least one of them sees the other: the reader then withdraws, and the remover
 * puts the removal off until the lease is given back. A tombstone stays once it is written, since taking it away again
 * would race another remover that has already seen no lease.
 */
import { failure } from '../failures.ts';
import { readSmall } from '../storage/small.ts';
import { keys } from './manifest.ts';
import { isAtWork, nameOf, type Owner, owner, thisRun } from './owner.ts';
import { checkId, type OpenPlace, writeSmall } from './place.ts';
import { toText } from './records.ts';

export function leaseKey(place: OpenPlace, id: string, who: Owner): string {
  return `${keys.leases(place.system, id)}${nameOf(who)}.json`;
}

/** Takes a lease for this run. Failure `NoUsableBackup` when the backup is being removed, or gone. */
export async function takeLease(place: OpenPlace, id: string): Promise<string> {
  checkId(place.system, id);
  const me = thisRun();
  const key = leaseKey(place, id, me);
  await writeSmall(place, key, toText(me));
  const obstacle = await obstacleTo(place, id);
  if (obstacle === undefined) return place.storage.locate(key);
  await place.storage.remove(key);
  throw failure('NoUsableBackup', {
    what: `Backup ${id} cannot be used: ${obstacle}.`,
    hint: 'Choose another one (`runbook backups`).',
    retryable: false,
  });
}

/** Whether this run holds a lease that counts. */
export async function holdsLease(place: OpenPlace, id: string): Promise<boolean> {
  checkId(place.system, id);
  if (!(await place.storage.stat(leaseKey(place, id, thisRun())))) return false;
  return (await obstacleTo(place, id)) === undefined;
}

async function obstacleTo(place: OpenPlace, id: string): Promise<string | undefined> {
  if (await place.storage.stat(keys.removing(place.system, id))) return 'retention has begun to remove it';
  if (!(await place.storage.stat(keys.manifest(place.system, id))))
    return 'it has no manifest: unfinished, or removed';
  return undefined;
}

/** Who holds a lease and is still at work, in words; undefined when nobody does. A lease that cannot be read counts. */
export async function userOf(place: OpenPlace, id: string): Promise<string | undefined> {
  for await (const { key } of place.storage.list(keys.leases(place.system, id))) {
    const bytes = await readSmall(place.storage, key, place.signal, 64 * 1024);
    if (!bytes) continue; // Given back meanwhile.
    const lease = parseOwner(bytes);
    if (!lease) return `somebody unknown (${place.storage.locate(key)} cannot be read)`;
    if (await isAtWork(lease)) return `${lease.workflowId} since ${lease.at}`;
  }
  return undefined;
}

function parseOwner(bytes: Buffer): Owner | undefined {
  try {
    return owner.safeParse(JSON.parse(bytes.toString('utf8'))).data;
  } catch {
    return undefined;
  }
}
