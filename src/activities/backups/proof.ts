/** A backup is proven once a restore of it compared equal. */
import type { Proof } from '../contract.ts';
import { keys } from './manifest.ts';
import type { OpenPlace } from './place.ts';
import { readManifest } from './read.ts';
import { readProven, writeProven } from './records.ts';

/** Whether this very proof is recorded. */
export async function isProven(place: OpenPlace, id: string, proof: Proof): Promise<boolean> {
  const { sha256 } = await readManifest(place, id);
  const record = await readProven(place, id, sha256);
  return (
    record !== undefined && record.proof.runId === proof.runId && record.proof.restoredAt === proof.restoredAt
  );
}

/** Records the proof for the manifest as it is now; answers where. */
export async function prove(place: OpenPlace, id: string, proof: Proof): Promise<string> {
  const { sha256 } = await readManifest(place, id);
  await writeProven(place, id, sha256, proof);
  return place.storage.locate(keys.proven(place.system, id));
}
