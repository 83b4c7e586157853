/** The data directory of a Redis server, what lies beside it, and the marks by which we know what is ours. */
import { createHash } from 'node:crypto';
import {
  lstat,
  open,
  readdir,
  readFile,
  readlink,
  realpath,
  rename,
  rm,
  rmdir,
  writeFile,
} from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { failure } from '../../failures.ts';
import type { StoreRequest } from '../contract.ts';
import { runKey } from '../run-key.ts';

const markFile = '.durable-runbooks.json';

/**
 * What a directory is to us:
 *   loading   being prepared; worthless until it is ready
 *   ready     restored, not in use
 *   live      was swapped in (`keptAs` says what it replaced)
 *   kept      was replaced by `backupId`; may be removed after `until`
 *   aside     was swapped in, and taken out again
 */
const mark = z.strictObject({
  product: z.literal('durable-runbooks'),
  state: z.enum(['loading', 'ready', 'live', 'kept', 'aside']),
  /** The data directory this belongs to. */
  dataDirectory: z.string(),
  /** Idempotency key of the step that put it into this state. */
  key: z.string(),
  backupId: z.string(),
  takenAt: z.string(),
  tookMs: z.number().optional(),
  /** The names of the files in it. */
  files: z
    .strictObject({
      dbFile: z.string(),
      appendOnly: z.boolean(),
      appendDirectory: z.string(),
      appendFile: z.string(),
    })
    .optional(),
  /** What the replaced data is called, once a swap has begun; null when there was none to keep. */
  keptAs: z.string().nullable().optional(),
  until: z.string().optional(),
});
export type Mark = z.infer<typeof mark>;

/** Reads the mark of a directory; undefined when there is none, or none of ours. */
export async function readMark(directory: string): Promise<Mark | undefined> {
  try {
    return mark.parse(JSON.parse(await readFile(path.join(directory, markFile), 'utf8')));
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    if (error instanceof z.ZodError || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Writes the mark whole or not at all, durable when this resolves. */
export async function writeMark(directory: string, facts: Omit<Mark, 'product'>): Promise<void> {
  const file = path.join(directory, markFile);
  const beside = `${file}.new`;
  const handle = await open(beside, 'w', 0o600);
  try {
    await handle.writeFile(`${JSON.stringify({ product: 'durable-runbooks', ...facts }, null, 2)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(beside, file);
  await syncDirectory(directory);
}

export async function removeMark(directory: string): Promise<void> {
  await rm(path.join(directory, markFile), { force: true });
  await syncDirectory(directory);
}

/** Whether an entry of a data directory is our mark. */
export function isMark(entry: string): boolean {
  return entry === markFile || entry === `${markFile}.new`;
}

export interface Places {
  /** Where the live data is, symbolic links resolved: renames must move the directory itself. */
  live: string;
  restoring: string;
  drill: string;
}

/** Every path that the redis store works with. */
export async function placesOf(request: StoreRequest, runOf: string): Promise<Places> {
  if (request.spec.type !== 'redis') throw new TypeError(`store ${request.store} is not of type redis`);
  const live = await resolveLinks(request.spec.dataDirectory);
  const hash = createHash('sha256').update(runKey(runOf)).digest('hex').slice(0, 12);
  return {
    live,
    restoring: `${live}.restoring`,
    drill: path.join(request.stateDirectory, 'drills', `${request.store}-${hash}`),
  };
}

/** Works for a directory that is missing for a moment, between two renames, too. */
async function resolveLinks(directory: string): Promise<string> {
  const absolute = path.resolve(directory);
  const seen = await lstat(absolute).catch(() => undefined);
  if (seen?.isSymbolicLink()) {
    return await resolveLinks(path.resolve(path.dirname(absolute), await readlink(absolute)));
  }
  const parent = await realpath(path.dirname(absolute)).catch(() => path.dirname(absolute));
  return path.join(parent, path.basename(absolute));
}

export async function exists(file: string): Promise<boolean> {
  return (await lstat(file).catch(() => undefined)) !== undefined;
}

/** Directories beside the live one that hold replaced data. */
export async function keptBeside(live: string): Promise<string[]> {
  const prefix = `${path.basename(live)}.replaced-`;
  const entries = await readdir(path.dirname(live)).catch(() => []);
  return entries
    .filter((entry) => entry.startsWith(prefix))
    .map((entry) => path.join(path.dirname(live), entry));
}

/**
 * Removes a directory of ours, its mark last: what a killed removal leaves is still known to be ours. So is what could not
 * be removed because somebody wrote a file into it meanwhile.
 */
export async function removeMarked(directory: string): Promise<void> {
  for (const entry of await readdir(directory)) {
    if (entry !== markFile) await rm(path.join(directory, entry), { recursive: true, force: true });
  }
  const file = path.join(directory, markFile);
  const mark = await readFile(file).catch(() => undefined);
  await rm(file, { force: true });
  try {
    await rmdir(directory);
  } catch (error) {
    if (!(await exists(directory))) return;
    if (mark) await writeFile(file, mark, { mode: 0o600 });
    throw error;
  }
}

/** A rename that is on the disk when this resolves. Refuses to put one directory into the place of another. */
export async function moveDirectory(from: string, to: string): Promise<void> {
  if (await exists(to)) {
    throw failure('NotOurs', {
      what: `${to} exists already, so ${from} was not renamed to it.`,
      hint: 'Look what it is; move it away if nothing needs it.',
      retryable: false,
    });
  }
  try {
    await rename(from, to);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EBUSY' && code !== 'EXDEV' && code !== 'EACCES' && code !== 'EPERM') throw error;
    throw failure('ConfigurationError', {
      what: `${from} could not be renamed to ${to} (${code}): nothing was changed by this.`,
      hint:
        code === 'EBUSY' || code === 'EXDEV'
          ? 'It is a mount point: let the data directory of Redis be a directory inside the mounted one.'
          : `The worker's account needs write access to ${path.dirname(from)}.`,
      retryable: false,
      cause: error,
    });
  }
  await syncDirectory(path.dirname(to));
}

export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
