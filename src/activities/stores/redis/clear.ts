/** What an earlier attempt or run left in the place of a replacement: removed if it is ours and worthless, never otherwise. */
import { readdir, rmdir } from 'node:fs/promises';
import { failure } from '../../failures.ts';
import { milliseconds } from '../../../inventory/duration.ts';
import type { StoreRequest } from '../contract.ts';
import {
  exists,
  type Mark,
  moveDirectory,
  type Places,
  readMark,
  removeMark,
  removeMarked,
  writeMark,
} from './directories.ts';

/** Makes way for a new replacement. Failure `NotOurs` for a directory without our mark. */
export async function clearTarget(target: string, places: Places, request: StoreRequest): Promise<void> {
  if (!(await exists(target))) return;
  const mark = await readMark(target);
  if (!mark) {
    await removeEmpty(target);
    return;
  }
  await undoHalfSwap(mark, places);
  // It was in use for a while: what was written to it then may be all there is of it.
  if (mark.state === 'aside') await keep(target, mark, places, request);
  else await removeMarked(target);
}

/** Between the two renames of a swap there is no live directory: puts the kept one back. */
export async function undoHalfSwap(mark: Mark, { live }: Places): Promise<void> {
  if (typeof mark.keptAs !== 'string' || (await exists(live))) return;
  const kept = await readMark(mark.keptAs);
  if (kept?.state !== 'kept' || kept.dataDirectory !== live) return;
  await moveDirectory(mark.keptAs, live);
  await removeMark(live);
}

/** When data that is replaced now may be removed, and what it is called until then. */
export function keptName(request: StoreRequest, { live }: Places): { keptAs: string; until: string } {
  if (request.spec.type !== 'redis') throw new TypeError(`store ${request.store} is not of type redis`);
  const now = Date.now();
  const stamp = new Date(now).toISOString().replace(/[-:]|\.\d+/g, '');
  return {
    keptAs: `${live}.replaced-${stamp}`,
    until: new Date(now + milliseconds(request.spec.keepReplaced)).toISOString(),
  };
}

async function keep(target: string, mark: Mark, places: Places, request: StoreRequest): Promise<void> {
  const { keptAs, until } = keptName(request, places);
  await writeMark(target, { ...withoutProduct(mark), state: 'kept', keptAs, until });
  await moveDirectory(target, keptAs);
}

export function withoutProduct({ product: _product, ...facts }: Mark): Omit<Mark, 'product'> {
  return facts;
}

/** A worker that was killed before it could write the mark leaves an empty directory, which nobody misses. */
async function removeEmpty(directory: string): Promise<void> {
  const entries = await readdir(directory).catch(() => ['?']);
  if (entries.length > 0) {
    throw failure('NotOurs', {
      what: `${directory} exists and does not bear our mark: a restore would need its name.`,
      hint: 'Look what it is, and move it away; then try the step again. Nothing was changed.',
      retryable: false,
    });
  }
  await rmdir(directory);
}
