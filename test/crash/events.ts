/** What a lab's workers note about the calls of activities, and the points at which one may be killed. */
import { existsSync, readFileSync } from 'node:fs';
import { kinds } from '../../src/workflows/parts/policies.ts';

export interface CallEvent {
  /** Milliseconds since 1970. */
  at: number;
  pid: number;
  kind: 'start' | 'end' | 'failed' | 'kill';
  activity: string;
  /** The n-th first attempt of this activity in this worker; 0 for later attempts. */
  n: number;
  attempt: number;
  why?: string;
}

export function readEvents(file: string): CallEvent[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as CallEvent);
}

/** Beside the transfers: killed in their middle too, since what they do has several parts. */
const alsoDuring = new Set(['swapIn', 'compareReplacement', 'stopService', 'startService']);

/** Every point at which a run with these calls may be killed: before and after each call, and during the long ones. */
export function killPoints(baseline: readonly CallEvent[]): string[] {
  return baseline
    .filter(({ kind, attempt }) => kind === 'start' && attempt === 1)
    .flatMap(({ activity, n, at }) => {
      const name = `${activity}#${n}`;
      const end = baseline.find(
        (event) => event.kind === 'end' && event.activity === activity && event.n === n,
      );
      const half = Math.max(1, Math.round(((end?.at ?? at) - at) / 2));
      const isLong = kinds[activity as keyof typeof kinds].class === 'transfer' || alsoDuring.has(activity);
      return [`before:${name}`, ...(isLong ? [`during:${name}@${half}`] : []), `after:${name}`];
    });
}

/** Milliseconds from the kill to the next activity that started, in whichever worker; undefined without a kill. */
export function resumedAfter(events: readonly CallEvent[]): number | undefined {
  const killed = events.find(({ kind }) => kind === 'kill');
  if (!killed) return undefined;
  const next = events.find(({ kind, pid, at }) => kind === 'start' && pid !== killed.pid && at >= killed.at);
  return next && next.at - killed.at;
}
