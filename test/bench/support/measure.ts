/** Taking times, and making something of them. */
import { run } from '../../../tools/lib/run.ts';
import { rounded } from './result.ts';

/** Seconds that `body` takes. What was written before is on the disk first: no side pays for the other's writing. */
export async function timed(body: () => Promise<unknown>): Promise<number> {
  await run('sync', []);
  const started = performance.now();
  await body();
  return (performance.now() - started) / 1000;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low, high] = [sorted[sorted.length % 2 === 1 ? middle : middle - 1], sorted[middle]];
  if (low === undefined || high === undefined) throw new RangeError('the median of nothing');
  return (low + high) / 2;
}

/** Sides measured in turns, each in another order than in the turn before: so many seconds of each side. */
export async function inTurns<Side extends string>(
  turns: number,
  sides: Record<Side, (turn: number) => Promise<number>>,
): Promise<Record<Side, number[]>> {
  const names = Object.keys(sides) as Side[];
  const seconds = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Side, number[]>;
  for (let turn = 0; turn < turns; turn += 1) {
    const order = names.map((_, index) => names[(index + turn) % names.length] as Side);
    for (const name of order) seconds[name].push(await sides[name](turn));
  }
  return seconds;
}

/** How many times as fast as `other` it was: the median over the turns, each turn's two times taken one after the other. */
export function speedRatio(own: readonly number[], other: readonly number[]): number {
  return median(own.map((seconds, turn) => (other[turn] ?? NaN) / seconds));
}

export function raw(seconds: readonly number[]): number[] {
  return seconds.map(rounded);
}
