/** What backups of a system there are, and what is known of each: one look through the destination. */
import { ApplicationFailure } from '@temporalio/common';
import type { BackupSummary } from '../contract.ts';
import { backupKind, keys, type Manifest } from './manifest.ts';
import { type OpenPlace, partsOfId } from './place.ts';
import { readManifest } from './read.ts';
import { readProven, readVerified } from './records.ts';

export interface Surveyed extends BackupSummary {
  hasManifest: boolean;
  /** It was verified or proven once: what is without a manifest now is not what a dead run left. */
  wasWhole: boolean;
  /** When an object of it was last written. */
  touchedAt: Date;
}

/** Manifests read at the same time. */
const together = 8;

/** Newest first. A backup that cannot be believed is in the list as `unreadable`, saying why. */
export async function survey(place: OpenPlace): Promise<Surveyed[]> {
  const found = [...(await objectsById(place)).values()];
  const surveyed: Surveyed[] = [];
  for (let from = 0; from < found.length; from += together) {
    surveyed.push(
      ...(await Promise.all(found.slice(from, from + together).map((objects) => summarise(place, objects)))),
    );
  }
  return surveyed.sort((a, b) => b.takenAt.localeCompare(a.takenAt) || b.id.localeCompare(a.id));
}

interface Objects {
  id: string;
  names: Set<string>;
  bytes: number;
  touchedAt: Date;
}

async function objectsById(place: OpenPlace): Promise<Map<string, Objects>> {
  const found = new Map<string, Objects>();
  const prefix = keys.system(place.system);
  for await (const { key, bytes, modifiedAt } of place.storage.list(prefix)) {
    const [id = '', ...rest] = key.slice(prefix.length).split('/');
    // Archived logs and evidence lie beside the backups.
    if (!partsOfId(place.system, id)) continue;
    const objects = found.get(id) ?? { id, names: new Set(), bytes: 0, touchedAt: modifiedAt };
    objects.bytes += bytes;
    if (rest.length === 1) objects.names.add(rest[0] ?? '');
    if (modifiedAt > objects.touchedAt) objects.touchedAt = modifiedAt;
    found.set(id, objects);
  }
  return found;
}

async function summarise(place: OpenPlace, { id, names, bytes, touchedAt }: Objects): Promise<Surveyed> {
  const hasManifest = names.has('manifest.json');
  const wasWhole = names.has('verified.json') || names.has('proven.json');
  const common = { id, bytes, hasManifest, wasWhole, touchedAt };
  const removing = names.has('removing.json');
  if (!hasManifest) {
    const why = removing
      ? 'half removed: the next retention finishes it'
      : wasWhole
        ? 'no manifest, though it was verified once: somebody removed the manifest'
        : 'no manifest: being written, or left by a run that died';
    return {
      ...common,
      ...fromId(place.system, id),
      state: removing ? 'removing' : 'unreadable',
      signed: false,
      why,
    };
  }
  try {
    const { manifest, signed, sha256 } = await readManifest(place, id);
    const known = { ...common, ...fromManifest(manifest), signed };
    if (removing) return { ...known, state: 'removing', why: 'retention is removing it' };
    if (names.has('proven.json') && (await readProven(place, id, sha256)))
      return { ...known, state: 'proven' };
    if (names.has('verified.json') && (await readVerified(place, id, sha256)))
      return { ...known, state: 'verified' };
    return { ...known, state: 'unverified' };
  } catch (error) {
    const why = distrust(error);
    if (why === undefined) throw error;
    return {
      ...common,
      ...fromId(place.system, id),
      state: removing ? 'removing' : 'unreadable',
      signed: false,
      why,
    };
  }
}

/** Why a manifest is not believed; undefined for an error that says nothing of it, such as a storage that is down. */
function distrust(error: unknown): string | undefined {
  if (!(error instanceof ApplicationFailure)) return undefined;
  if (error.type !== 'BackupDamaged' && error.type !== 'NoUsableBackup') return undefined;
  return error.message.split('\n')[0] ?? '';
}

function fromManifest(manifest: Manifest) {
  const { kind, finishedAt, components } = manifest;
  const taken = components.map(({ takenAt }) => new Date(takenAt).getTime());
  return {
    kind,
    finishedAt,
    takenAt: new Date(Math.min(...taken)).toISOString(),
    components: components.map(({ store }) => store),
  };
}

/** All that is known without a manifest: what we put into the id ourselves. */
function fromId(system: string, id: string) {
  const parts = partsOfId(system, id);
  const at = (parts?.startedAt ?? new Date(0)).toISOString();
  const kind = backupKind.safeParse(parts?.kind).data ?? 'manual';
  return { kind, finishedAt: at, takenAt: at, components: [] };
}
