/** Durations as people write them in an inventory: `30s`, `5m`, `1h30m`, `7d`. Pure: workflows use it too. */

const unitMilliseconds: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** What a duration looks like; used by the schema, so that a bad one is refused with its place in the file. */
export const durationPattern = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/;

/** Ten years: longer than anything that is waited for, and far below what a date can hold. */
const longestMs = 10 * 365 * 86_400_000;

/** False for a duration that would lead out of the calendar; what is no duration at all is for the pattern to refuse. */
export function isWithinReach(text: string): boolean {
  return !durationPattern.test(text) || milliseconds(text) <= longestMs;
}

/** Milliseconds of a duration such as `1h30m`. Throws a RangeError for anything else. */
export function milliseconds(duration: string): number {
  if (!durationPattern.test(duration)) throw new RangeError(`not a duration: ${duration}`);
  let total = 0;
  for (const [, amount, unit] of duration.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) {
    total += Number(amount) * (unitMilliseconds[unit ?? ''] ?? 0);
  }
  return Math.round(total);
}

/** The shortest usual way to write a length of time given in milliseconds: `4m12s`, `850ms`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)}ms`;
  if (ms < 10_000) return `${(Math.floor(ms / 100) / 10).toFixed(1).replace(/\.0$/, '')}s`;
  const seconds = Math.floor(ms / 1000);
  const parts: [number, string][] = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor((seconds % 86_400) / 3600), 'h'],
    [Math.floor((seconds % 3600) / 60), 'm'],
    [seconds % 60, 's'],
  ];
  const shown = parts.filter(([amount]) => amount > 0).slice(0, 2);
  return shown.map(([amount, unit]) => `${amount}${unit}`).join('');
}
