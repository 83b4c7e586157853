/** Where platform `process` keeps what it knows of a service, and how: whole or not at all. */
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { ServiceRequest } from '../contract.ts';

const record = z.object({
  version: z.literal(1),
  pid: z.number().int().positive(),
  /** In clock ticks since boot, from /proc. */
  startTime: z.string(),
  bootId: z.string(),
  startedAt: z.string(),
  /** How long the log was when this process was started: what is older is another's. */
  logOffset: z.number().int().min(0),
});

export type ServiceRecord = z.infer<typeof record>;
type Place = Pick<ServiceRequest, 'stateDirectory' | 'service'>;

function fileOf({ stateDirectory, service }: Place, extension: string): string {
  return path.join(path.resolve(stateDirectory), 'services', `${service}.${extension}`);
}

/** The file that a started process holds open, as a mark. It is never removed: it would no longer be the same file. */
export function markFile(place: Place): string {
  return fileOf(place, 'mark');
}

export function lockFile(place: Place): string {
  return fileOf(place, 'lock');
}

export async function ensureMark(place: Place): Promise<string> {
  const file = markFile(place);
  await mkdir(path.dirname(file), { recursive: true, mode: 0o750 });
  await (await open(file, 'a', 0o640)).close();
  return file;
}

/** What was recorded, or undefined when there is no record or one that cannot be read (the mark then tells). */
export async function readRecord(place: Place): Promise<ServiceRecord | undefined> {
  try {
    return record.parse(JSON.parse(await readFile(fileOf(place, 'json'), 'utf8')));
  } catch {
    return undefined;
  }
}

/** Only whoever holds the start lock writes, so one name will do: what a killed writer left is overwritten. */
const partialOf = (place: Place) => fileOf(place, 'json.partial');

export async function writeRecord(place: Place, value: ServiceRecord): Promise<void> {
  const partial = partialOf(place);
  const handle = await open(partial, 'w', 0o640);
  try {
    await handle.writeFile(`${JSON.stringify(value, null, 2)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(partial, fileOf(place, 'json'));
}

export async function removeRecord(place: Place): Promise<void> {
  await rm(partialOf(place), { force: true });
  await rm(fileOf(place, 'json'), { force: true });
}
