/** A system's backups at their destination, opened for one activity. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { name } from '../../inventory/schema/common.ts';
import type { BackupPlace } from '../contract.ts';
import { failure } from '../failures.ts';
import type { ObjectStorage } from '../storage/contract.ts';
import { openStorage } from '../storage/index.ts';
import { once } from '../storage/small.ts';
import { backupId } from './manifest.ts';

export interface OpenPlace extends BackupPlace {
  storage: ObjectStorage;
  signal: AbortSignal;
}

export async function openPlace(place: BackupPlace, signal: AbortSignal): Promise<OpenPlace> {
  const system = name.safeParse(place.system);
  if (!system.success)
    throw refused(`The system name ${JSON.stringify(place.system.slice(0, 80))}`, system.error);
  return { ...place, storage: await openStorage(place.backup.destination), signal };
}

/** Refuses ids that we would not make ourselves, before they become part of a key. */
export function checkId(system: string, id: string): void {
  const parsed = backupId.safeParse(id);
  if (!parsed.success) throw refused(`The backup id ${JSON.stringify(id.slice(0, 200))}`, parsed.error);
  if (!id.startsWith(`${system}-`)) {
    throw failure('InvalidInput', {
      what: `The backup ${id} is not one of system ${system}.`,
      hint: 'See `runbook backups` for those there are.',
      retryable: false,
    });
  }
}

/** The kind and the start that an id tells of; undefined for one that is not ours. */
export function partsOfId(
  system: string,
  id: string,
): { kind: string; startedAt: Date; run: string } | undefined {
  if (!backupId.safeParse(id).success || !id.startsWith(`${system}-`)) return undefined;
  const [, kind, date, time, run] =
    /^(.*)-(\d{8})T(\d{6})Z-([0-9a-f]{8})$/.exec(id.slice(system.length + 1)) ?? [];
  if (kind === undefined || !date || !time || !run) return undefined;
  const iso = `${date.replace(/(....)(..)(..)/, '$1-$2-$3')}T${time.replace(/(..)(..)(..)/, '$1:$2:$3')}Z`;
  const startedAt = new Date(iso);
  return Number.isNaN(startedAt.getTime()) ? undefined : { kind, startedAt, run };
}

/** Replaces what is there: these records only say when something was seen, and are seen again. */
export async function writeSmall(
  place: OpenPlace,
  key: string,
  content: string,
  ifAbsent = false,
): Promise<void> {
  await place.storage.write(key, once(Buffer.from(content)), { signal: place.signal, ifAbsent });
}

export function sha256Of(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export function damaged(what: string) {
  return failure('BackupDamaged', {
    what: `${what}.`,
    hint: 'Use another backup (`runbook backups`), and find out who or what changed this one.',
    retryable: false,
  });
}

function refused(subject: string, error: z.ZodError) {
  return failure('InvalidInput', {
    what: `${subject} is refused: ${z.prettifyError(error)}`,
    retryable: false,
  });
}
