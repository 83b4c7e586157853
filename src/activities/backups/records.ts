/** verified.json and proven.json: what was found out about a backup after it was written, and about which manifest. */
import { z } from 'zod';
import type { Proof, Verification } from '../contract.ts';
import { readSmall } from '../storage/small.ts';
import { keys } from './manifest.ts';
import { type OpenPlace, writeSmall } from './place.ts';

const recordLimit = 1024 * 1024;
const about = { id: z.string(), manifestSha256: z.string(), at: z.iso.datetime() };

const verifiedRecord = z.strictObject({
  format: z.literal('durable-runbooks/verified/1'),
  ...about,
  /** The step that verified, so that its repetition after a crash finds its own work done. */
  key: z.string(),
  objects: z.number(),
  bytes: z.number(),
  notes: z.array(z.string()),
});

const provenRecord = z.strictObject({
  format: z.literal('durable-runbooks/proven/1'),
  ...about,
  proof: z.strictObject({
    restoredAt: z.string(),
    runId: z.string(),
    rtoMs: z.number(),
    comparisons: z.array(z.strictObject({ store: z.string(), compared: z.number(), rows: z.string() })),
  }),
});

export type VerifiedRecord = z.infer<typeof verifiedRecord>;
export type ProvenRecord = z.infer<typeof provenRecord>;

/** The record, if it is about the manifest with this hash; one about another manifest, or a damaged one, does not count. */
export async function readVerified(
  place: OpenPlace,
  id: string,
  manifestSha256: string,
): Promise<VerifiedRecord | undefined> {
  return await read(place, keys.verified(place.system, id), verifiedRecord, id, manifestSha256);
}

export async function readProven(
  place: OpenPlace,
  id: string,
  manifestSha256: string,
): Promise<ProvenRecord | undefined> {
  return await read(place, keys.proven(place.system, id), provenRecord, id, manifestSha256);
}

export async function writeVerified(
  place: OpenPlace,
  manifestSha256: string,
  key: string,
  found: Verification,
): Promise<void> {
  const { id, objects, bytes, notes } = found;
  const at = new Date().toISOString();
  const record: VerifiedRecord = {
    format: 'durable-runbooks/verified/1',
    id,
    manifestSha256,
    at,
    key,
    objects,
    bytes,
    notes,
  };
  await writeSmall(place, keys.verified(place.system, id), toText(record));
}

export async function writeProven(
  place: OpenPlace,
  id: string,
  manifestSha256: string,
  proof: Proof,
): Promise<void> {
  const at = new Date().toISOString();
  const record: ProvenRecord = { format: 'durable-runbooks/proven/1', id, manifestSha256, at, proof };
  await writeSmall(place, keys.proven(place.system, id), toText(record));
}

/** Nothing counts any more of what was found before. The stronger claim goes first. */
export async function forgetRecords(place: OpenPlace, id: string): Promise<void> {
  await place.storage.remove(keys.proven(place.system, id));
  await place.storage.remove(keys.verified(place.system, id));
}

/** JSON as we store it: readable, ending in a line break. */
export function toText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

async function read<Kind extends { id: string; manifestSha256: string }>(
  place: OpenPlace,
  key: string,
  kind: z.ZodType<Kind>,
  id: string,
  manifestSha256: string,
): Promise<Kind | undefined> {
  const bytes = await readSmall(place.storage, key, place.signal, recordLimit);
  if (!bytes) return undefined;
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
  const parsed = kind.safeParse(json);
  if (!parsed.success || parsed.data.id !== id || parsed.data.manifestSha256 !== manifestSha256)
    return undefined;
  return parsed.data;
}
