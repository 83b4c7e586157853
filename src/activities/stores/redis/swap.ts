/**
 * Two renames: the live directory is put aside and kept, the restored one takes its name. What is to happen is written into
 * the restored one's mark before the first of them, so that a crash at any point can be gone on from, or taken back.
 */
import { render } from '../../../exec/index.ts';
import { failure } from '../../failures.ts';
import type { Observation } from '../../mutation.ts';
import type { StoreRequest, Swapped, SwapRequest, Work } from '../contract.ts';
import { carryOver } from './carry-over.ts';
import { keptName, undoHalfSwap, withoutProduct } from './clear.ts';
import {
  exists,
  keptBeside,
  type Mark,
  moveDirectory,
  type Places,
  placesOf,
  readMark,
  removeMark,
  removeMarked,
  writeMark,
} from './directories.ts';
import { runKey } from '../run-key.ts';
import { assertStopped, openLive } from './live.ts';

const rename = (from: string, to: string) => render(['mv', '--no-target-directory', '--', from, to]);
const remove = (directory: string) => render(['rm', '--recursive', '--', directory]);

export const swap = {
  async observe(request: SwapRequest, work: Work): Promise<Observation<Swapped>> {
    const places = await placesOf(request, work.call.key);
    const live = await readMark(places.live);
    if (isSwapOf(live, request, work) && live?.state === 'live') return { done: swappedOf(live) };
    // In a plan the restore has not happened.
    const begun = work.call.plan ? undefined : await finished(request, places);
    const { keptAs, until } =
      begun?.keptAs === undefined
        ? keptName(request, places)
        : { keptAs: begun.keptAs ?? '', until: begun.until ?? '' };
    return {
      todo: [rename(places.live, keptAs), rename(places.restoring, places.live)],
      foreseen: { keptAs, until },
    };
  },

  async act(request: SwapRequest, work: Work): Promise<Swapped> {
    const places = await placesOf(request, work.call.key);
    const { live, restoring } = places;
    await assertStopped(await openLive(request), live, work);
    let mark = await finished(request, places);
    if (mark.keptAs === undefined) {
      const { keptAs, until } = keptName(request, places);
      mark = { ...mark, key: work.call.key, until, keptAs: (await exists(live)) ? keptAs : null };
      await writeMark(restoring, withoutProduct(mark));
    }
    const { keptAs, until } = swappedOf(mark);
    if (keptAs !== '' && (await exists(live))) {
      if (await exists(keptAs)) throw reappeared(live, keptAs);
      if (mark.files) await carryOver(live, restoring, mark.files);
      const { key, backupId, takenAt } = mark;
      await writeMark(live, { state: 'kept', dataDirectory: live, key, backupId, takenAt, keptAs, until });
      await moveDirectory(live, keptAs);
    }
    await writeMark(restoring, { ...withoutProduct(mark), state: 'live' });
    await moveDirectory(restoring, live);
    return { keptAs, until };
  },
};

export const swapBack = {
  async observe(
    request: SwapRequest & { swapped: Swapped | null },
    work: Work,
  ): Promise<Observation<{ restored: boolean }>> {
    const places = await placesOf(request, work.call.key);
    const keptAs = await keptBySwap(request, places, work);
    const [live, aside] = [await readMark(places.live), await readMark(places.restoring)];
    const isOut = !isSwapOf(live, request, work);
    const isBack =
      keptAs === '' || ((await exists(places.live)) && !(await exists(keptAs)) && live?.state !== 'kept');
    if (isOut && isBack)
      return { done: { restored: aside?.state === 'aside' && isSwapOf(aside, request, work) } };
    return {
      todo: [
        ...(isOut ? [] : [rename(places.live, places.restoring)]),
        ...(keptAs === '' ? [] : [rename(keptAs, places.live)]),
      ],
      foreseen: { restored: true },
    };
  },

  async act(request: SwapRequest & { swapped: Swapped | null }, work: Work): Promise<{ restored: boolean }> {
    const places = await placesOf(request, work.call.key);
    await assertStopped(await openLive(request), places.live, work);
    const keptAs = await keptBySwap(request, places, work);
    const live = await readMark(places.live);
    if (live && isSwapOf(live, request, work)) {
      await writeMark(places.live, { ...withoutProduct(live), state: 'aside' });
      await moveDirectory(places.live, places.restoring);
    }
    if (keptAs !== '' && (await exists(keptAs))) {
      const kept = await readMark(keptAs);
      if (kept?.state !== 'kept' || kept.dataDirectory !== places.live) {
        throw failure('NotOurs', {
          what: `${keptAs} does not bear our mark, so it was not put back as ${places.live}.`,
          hint: 'Look what it is. The restored data is aside in ' + places.restoring + '.',
          retryable: false,
        });
      }
      await moveDirectory(keptAs, places.live);
    }
    if ((await readMark(places.live))?.state === 'kept') await removeMark(places.live);
    return { restored: true };
  },
};

/** Also asked with an empty name, after a restore that did not get as far as to have one: then what this run left is meant. */
export const discard = {
  async observe(request: SwapRequest, work: Work): Promise<Observation<{ removed: boolean }>> {
    const found = await discardable(request, work);
    if (found.length === 0) return { done: { removed: false } };
    return { todo: found.map(remove), foreseen: { removed: true } };
  },

  async act(request: SwapRequest, work: Work): Promise<{ removed: boolean }> {
    const places = await placesOf(request, work.call.key);
    const found = await discardable(request, work);
    for (const directory of found) {
      const mark = await readMark(directory);
      if (mark) await undoHalfSwap(mark, places);
      await removeMarked(directory);
    }
    return { removed: found.length > 0 };
  },
};

export const purgeKept = {
  async observe(request: StoreRequest, work: Work): Promise<Observation<{ removed: string[] }>> {
    const expired = await expiredOf(request, work);
    if (expired.length === 0) return { done: { removed: [] } };
    return { todo: expired.map(remove), foreseen: { removed: expired } };
  },

  async act(request: StoreRequest, work: Work): Promise<{ removed: string[] }> {
    const removed = await expiredOf(request, work);
    for (const directory of removed) {
      work.progress({ note: `Removing ${directory}` });
      await removeMarked(directory);
    }
    return { removed };
  },
};

/** Only what bears our mark, belongs to this data directory, and is past its time; nothing while it may be all there is. */
async function expiredOf(request: StoreRequest, work: Work): Promise<string[]> {
  const { live } = await placesOf(request, work.call.key);
  const expired: string[] = [];
  if (!(await exists(live))) return expired;
  for (const directory of await keptBeside(live)) {
    const mark = await readMark(directory);
    const isOver = mark?.until !== undefined && Date.parse(mark.until) < Date.now();
    if (mark?.state === 'kept' && mark.dataDirectory === live && isOver) expired.push(directory);
  }
  return expired;
}

async function discardable(request: SwapRequest, work: Work): Promise<string[]> {
  const places = await placesOf(request, work.call.key);
  const { name } = request.replacement;
  const candidates = [places.restoring, places.drill].filter((place) => name === '' || name === place);
  if (candidates.length === 0) {
    throw failure('NotOurs', {
      what: `${name} is not where this run restores to: it was not removed.`,
      hint: `That would be ${places.restoring} or ${places.drill}.`,
      retryable: false,
    });
  }
  const found: string[] = [];
  for (const directory of candidates) {
    if (!(await exists(directory))) continue;
    const mark = await readMark(directory);
    if (mark && runKey(mark.key) === runKey(work.call.key)) found.push(directory);
    else if (name !== '') {
      throw failure('NotOurs', {
        what: `${directory} ${mark ? 'belongs to another run' : 'does not bear our mark'}: it was not removed.`,
        hint: 'Look what it is.',
        retryable: false,
      });
    }
  }
  return found;
}

/** The restored directory, ready to be put in, or with a swap begun. Failure `NotReady` for anything else. */
async function finished(request: SwapRequest, places: Places): Promise<Mark> {
  const mark = await readMark(places.restoring);
  const isReady = mark?.state === 'ready' || mark?.state === 'live';
  if (
    mark &&
    isReady &&
    mark.backupId === request.replacement.backupId &&
    request.replacement.name === places.restoring
  ) {
    return mark;
  }
  throw failure('NotReady', {
    what: `${places.restoring} is not a finished restore of backup ${request.replacement.backupId}: nothing was exchanged.`,
    hint: 'Start the restore again.',
    retryable: false,
  });
}

function isSwapOf(mark: Mark | undefined, request: SwapRequest, work: Work): boolean {
  if (!mark || (mark.state !== 'live' && mark.state !== 'aside')) return false;
  return mark.backupId === request.replacement.backupId && runKey(mark.key) === runKey(work.call.key);
}

/** What the replaced directory is called: as the swap answered, or as the marks that this run left say. */
async function keptBySwap(
  request: SwapRequest & { swapped: Swapped | null },
  places: Places,
  work: Work,
): Promise<string> {
  if (request.swapped) return request.swapped.keptAs;
  for (const directory of [places.live, places.restoring]) {
    const mark = await readMark(directory);
    const ours =
      mark?.backupId === request.replacement.backupId && runKey(mark.key) === runKey(work.call.key);
    if (mark && ours && typeof mark.keptAs === 'string') return mark.keptAs;
  }
  return '';
}

function reappeared(live: string, keptAs: string): Error {
  return failure('NotOurs', {
    what: `${live} was renamed to ${keptAs}, and is there again: something else made it meanwhile.`,
    hint: 'Look what it is, and move it away; then try the step again.',
  });
}

function swappedOf(mark: Mark): Swapped {
  return { keptAs: mark.keptAs ?? '', until: mark.until ?? '' };
}
