/** Verification: every stored byte is read back and compared, and every dump opened, before a backup counts. */
import { ApplicationFailure } from '@temporalio/common';
import type { Verification } from '../contract.ts';
import { failure } from '../failures.ts';
import type { Work } from '../stores/contract.ts';
import { decoders, readThrough, withIdentity } from './decode.ts';
import { inspectorOf } from './inspect.ts';
import { type ComponentRecord, keys, type StoredObject } from './manifest.ts';
import type { OpenPlace } from './place.ts';
import { type ReadManifest, readManifest } from './read.ts';
import { forgetRecords, readVerified, writeVerified } from './records.ts';

/** Progress is told each time so many bytes were read. */
const progressEvery = 4 * 1024 * 1024;

/** What an earlier attempt of the same step found, if it came to its end. */
export async function findVerified(
  place: OpenPlace,
  id: string,
  key: string,
): Promise<Verification | undefined> {
  const read = await readOrProblem(place, id);
  if (typeof read === 'string') return undefined;
  const record = await readVerified(place, id, read.sha256);
  if (!record || record.key !== key) return undefined;
  return { id, ok: true, objects: record.objects, bytes: record.bytes, problems: [], notes: record.notes };
}

/**
 * Verifies a backup and records it. What differs is in the answer, and then nothing that was recorded before counts any
 * more. Throws when it could not be looked at (a storage that is down, an identity that is missing), which says nothing of
 * the backup.
 */
export async function verify(place: OpenPlace, id: string, work: Work): Promise<Verification> {
  const read = await readOrProblem(place, id);
  if (await place.storage.stat(keys.removing(place.system, id))) {
    throw failure('NoUsableBackup', {
      what: `Backup ${id} is being removed by retention.`,
      retryable: false,
    });
  }
  const found: Verification = { id, ok: false, objects: 0, bytes: 0, problems: [], notes: [] };
  if (typeof read === 'string') found.problems.push(read);
  else
    await withIdentity(
      place.backup.encryption?.identity,
      async (identity) => await look(place, read, identity, found, work),
    );
  found.ok = found.problems.length === 0;
  // Records speak of one manifest by its hash: without it they count for nobody. They stay for whoever does believe it: a key
  // that only this worker does not know must not cost a proof.
  if (typeof read === 'string') return found;
  if (found.ok) await writeVerified(place, read.sha256, work.call.key, found);
  else await forgetRecords(place, id);
  return found;
}

async function readOrProblem(place: OpenPlace, id: string): Promise<ReadManifest | string> {
  try {
    return await readManifest(place, id);
  } catch (error) {
    const isVerdict =
      error instanceof ApplicationFailure && ['BackupDamaged', 'NoUsableBackup'].includes(error.type ?? '');
    if (!isVerdict) throw error;
    return error.message.split('\n')[0] ?? '';
  }
}

async function look(
  place: OpenPlace,
  { manifest }: ReadManifest,
  identity: string | undefined,
  found: Verification,
  work: Work,
): Promise<void> {
  const total = manifest.components
    .flatMap(({ objects }) => objects)
    .reduce((sum, { bytes }) => sum + bytes, 0);
  for (const component of manifest.components) {
    let hasDump = false;
    let isClosed = false;
    for (const object of component.objects) {
      const key = keys.object(place.system, manifest.id, component.store, object.name);
      const location = place.storage.locate(key);
      const before = found.bytes;
      const told = (bytes: number) =>
        work.progress({
          note: `Verifying ${component.store}/${object.name}`,
          done: before + bytes,
          total,
          unit: 'bytes',
        });
      const seen = await verifyObject(place, key, component, object, identity, told);
      found.objects += 1;
      found.bytes += seen.bytes;
      found.problems.push(...seen.problems.map((problem) => `${location} ${problem}`));
      found.notes.push(...seen.notes.map((note) => `${location}: ${note}`));
      hasDump ||= seen.isDump;
      // Whether the dump is among them cannot be told of one that is damaged or locked.
      isClosed ||=
        object.name !== 'contents.json' &&
        (seen.problems.length > 0 || (object.encryption === 'age' && identity === undefined));
    }
    if (!hasDump && !isClosed) {
      const where = place.storage.locate(`${keys.backup(place.system, manifest.id)}${component.store}`);
      found.problems.push(`${where} holds no ${component.type} dump`);
    }
  }
}

interface SeenObject {
  bytes: number;
  /** Each goes on where the object's location ends. */
  problems: string[];
  notes: string[];
  isDump: boolean;
}

async function verifyObject(
  place: OpenPlace,
  key: string,
  component: ComponentRecord,
  object: StoredObject,
  identity: string | undefined,
  onProgress: (bytes: number) => void,
): Promise<SeenObject> {
  const nothing = { notes: [], isDump: false };
  const stat = await place.storage.stat(key);
  if (!stat) return { ...nothing, bytes: 0, problems: ['is missing'] };
  if (stat.bytes !== object.bytes) {
    const [has, should] = [stat.bytes.toLocaleString('en'), object.bytes.toLocaleString('en')];
    const problem =
      stat.bytes < object.bytes
        ? `is cut: ${has} of ${should} bytes`
        : `is too long: ${has} bytes instead of ${should}`;
    return { ...nothing, bytes: 0, problems: [problem] };
  }
  const inspector = inspectorOf(component, object, place.signal);
  const commands = decoders(object, identity);
  let told = 0;
  const onStored = (bytes: number) => {
    if (bytes - told < progressEvery && bytes !== object.bytes) return;
    told = bytes;
    onProgress(bytes);
  };
  try {
    const source = await place.storage.read(key, { signal: place.signal });
    const read = await readThrough(
      source,
      commands,
      place.signal,
      onStored,
      async (chunk) => await inspector.update(chunk),
    );
    if (read.sha256 !== object.sha256) {
      inspector.stop();
      const problem = `has changed bytes: its SHA-256 is ${read.sha256}, the manifest says ${object.sha256}`;
      return { ...nothing, bytes: read.bytes, problems: [problem] };
    }
    if (read.undecodable !== undefined) {
      inspector.stop();
      return { ...nothing, bytes: read.bytes, problems: [`does not open: ${read.undecodable}`] };
    }
    const inside = await inspector.end();
    const notes = commands
      ? inside.notes
      : ['encrypted, and no identity is configured: only its hash was checked'];
    return {
      bytes: read.bytes,
      problems: inside.problems.map((problem) => `does not open: ${problem}`),
      notes,
      isDump: inside.isDump,
    };
  } catch (error) {
    inspector.stop();
    throw error;
  }
}
