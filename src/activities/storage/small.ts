/** Small objects, whole and in memory. */
import { failure } from '../failures.ts';
import type { ObjectStorage } from './contract.ts';
import { isMissing } from './errors.ts';

/** Undefined when there is none. Failure `BackupDamaged` when it has more than `limit` bytes. */
export async function readSmall(
  storage: ObjectStorage,
  key: string,
  signal: AbortSignal,
  limit = 1024 * 1024,
): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of await storage.read(key, { signal })) {
      chunks.push(chunk as Buffer);
      bytes += (chunk as Buffer).length;
      if (bytes > limit) throw tooLarge(storage.locate(key), limit);
    }
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  return Buffer.concat(chunks);
}

/** Bytes as the body of an object. */
export async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

function tooLarge(location: string, limit: number) {
  return failure('BackupDamaged', {
    what: `${location} is larger than the ${limit.toLocaleString('en')} bytes it may have.`,
    hint: 'Use another backup (`runbook backups`), and find out who or what changed this one.',
    retryable: false,
  });
}
