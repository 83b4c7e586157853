/** Reading a manifest that anybody with access to the destination may have written. */
import { z } from 'zod';
import { failure } from '../failures.ts';
import { readSmall } from '../storage/small.ts';
import { type ComponentRecord, keys, type Manifest, manifest } from './manifest.ts';
import { checkId, damaged, type OpenPlace, sha256Of } from './place.ts';
import { isSignedBy } from './sign.ts';

/** Bytes; a manifest has some 500 for each object. */
export const manifestLimit = 4 * 1024 * 1024;

export interface ReadManifest {
  manifest: Manifest;
  /** A trusted key made its signature. False when signing is not configured. */
  signed: boolean;
  /** Of the manifest's bytes: what verified.json and proven.json refer to. */
  sha256: string;
  bytes: number;
}

/**
 * The manifest, believed only if it is well formed, speaks of this very backup, and (when signing is configured) bears a
 * trusted signature. Failures: `NoUsableBackup` when there is none, `BackupDamaged` saying what is wrong with it.
 */
export async function readManifest(place: OpenPlace, id: string): Promise<ReadManifest> {
  checkId(place.system, id);
  const location = place.storage.locate(keys.manifest(place.system, id));
  const bytes = await readSmall(place.storage, keys.manifest(place.system, id), place.signal, manifestLimit);
  if (!bytes) {
    throw failure('NoUsableBackup', {
      what: `Backup ${id} has no manifest (${location} is missing): it was never finished, or it was removed.`,
      hint: 'See `runbook backups` for those there are.',
      retryable: false,
    });
  }
  const signed = await isTrusted(place, id, bytes, location);
  const believed = parse(bytes, location);
  if (believed.id !== id) throw damaged(`${location} speaks of backup ${believed.id}, not of ${id}`);
  if (believed.system !== place.system) {
    throw damaged(`${location} speaks of system ${believed.system}, not of ${place.system}`);
  }
  return { manifest: believed, signed, sha256: sha256Of(bytes), bytes: bytes.length };
}

async function isTrusted(place: OpenPlace, id: string, bytes: Buffer, location: string): Promise<boolean> {
  const { signing } = place.backup;
  if (!signing) return false;
  const signature = await readSmall(place.storage, keys.signature(place.system, id), place.signal, 4096);
  if (!signature)
    throw damaged(`${location} is not signed (${location}.sig is missing), and backup.signing asks for it`);
  if (await isSignedBy(bytes, signature.toString('latin1'), signing.trustedKeys)) return true;
  throw damaged(
    `${location} does not match its signature ${location}.sig: one of them was changed, or an untrusted key signed it`,
  );
}

function parse(bytes: Buffer, location: string): Manifest {
  let read: unknown;
  try {
    read = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw damaged(`${location} is not JSON (${(error as Error).message.slice(0, 120)})`);
  }
  const parsed = manifest.safeParse(read);
  if (!parsed.success)
    throw damaged(`${location} is not a manifest: ${z.prettifyError(parsed.error).slice(0, 500)}`);
  const twice = firstRepeated(parsed.data.components);
  if (twice) throw damaged(`${location} lists ${twice} twice`);
  return parsed.data;
}

function firstRepeated(components: readonly ComponentRecord[]): string | undefined {
  const seen = new Set<string>();
  for (const { store, objects } of components) {
    for (const name of [store, ...objects.map((object) => `${store}/${object.name}`)]) {
      if (seen.has(name)) return name;
      seen.add(name);
    }
  }
  return undefined;
}
