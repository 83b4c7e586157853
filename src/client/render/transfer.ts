/** A long activity's heartbeat as a line: `dumping  1.2 GB of 4.0 GB  30 %  85 MB/s`. */
import type { Progress } from '../../activities/call.ts';
import { bytes, oneLine } from '../text.ts';

/** Remembers how far each activity was, to say how fast it is. */
export class Rates {
  readonly #seen = new Map<string, { at: number; done: number; perSecond: number | undefined }>();

  /** Units per second over the last looks, smoothed; undefined until there are two. */
  rate(id: string, done: number | undefined, now: number): number | undefined {
    if (done === undefined) return undefined;
    const last = this.#seen.get(id);
    if (!last || done < last.done) {
      this.#seen.set(id, { at: now, done, perSecond: undefined });
      return undefined;
    }
    const seconds = (now - last.at) / 1000;
    if (seconds < 0.9) return last.perSecond;
    const fresh = (done - last.done) / seconds;
    const perSecond = last.perSecond === undefined ? fresh : last.perSecond * 0.6 + fresh * 0.4;
    this.#seen.set(id, { at: now, done, perSecond });
    return perSecond;
  }
}

export function transferText(progress: Progress, perSecond?: number): string {
  const { done, total, unit } = progress;
  const amount = (count: number) =>
    unit === 'bytes' ? bytes(count) : `${Math.round(count)}${unit ? ` ${unit}` : ''}`;
  const parts = [oneLine(progress.note)];
  if (done !== undefined)
    parts.push(total === undefined ? amount(done) : `${amount(done)} of ${amount(total)}`);
  if (done !== undefined && total) parts.push(`${Math.floor((done / total) * 100)} %`);
  if (perSecond !== undefined && perSecond > 0) parts.push(`${amount(perSecond)}/s`);
  return parts.join('  ');
}
