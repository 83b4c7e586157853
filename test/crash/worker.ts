/**
 * The product's worker, with one thing added around its activities: it notes each call in a file, and kills its own process
 * at a named point. The product itself has no such points.
 *
 *   LAB_KILL  before:<activity>#<n>      the n-th call of the activity has begun and has not acted
 *             after:<activity>#<n>       it has acted, and its answer is not reported
 *             during:<activity>#<n>@<ms> it has reported progress, or has worked for so long
 */
import { appendFileSync } from 'node:fs';
import type { Context } from '@temporalio/activity';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { runWorker } from '../../src/worker.ts';
import type { CallEvent } from './events.ts';

const setting = (name: string) => process.env[name] ?? '';
const [, moment, target, nth, after] =
  /^(before|after|during):(\w+)#(\d+)(?:@(\d+))?$/.exec(setting('LAB_KILL')) ?? [];
const calls = new Map<string, number>();

function note(event: Omit<CallEvent, 'at' | 'pid'>): void {
  const file = setting('LAB_EVENTS');
  if (file !== '')
    appendFileSync(file, `${JSON.stringify({ at: Date.now(), pid: process.pid, ...event })}\n`);
}

function die(activity: string, n: number): void {
  note({ kind: 'kill', activity, n, attempt: 1 });
  process.kill(process.pid, 'SIGKILL');
}

const killing: ActivityInterceptorsFactory = (context: Context) => ({
  inbound: {
    async execute(input, next) {
      const { activityType: activity, attempt } = context.info;
      const n = attempt === 1 ? (calls.get(activity) ?? 0) + 1 : 0;
      if (n > 0) calls.set(activity, n);
      const isTarget = activity === target && n === Number(nth);
      note({ kind: 'start', activity, n, attempt });
      if (isTarget && moment === 'before') die(activity, n);
      let timer: NodeJS.Timeout | undefined;
      if (isTarget && moment === 'during') {
        timer = setTimeout(() => {
          die(activity, n);
        }, Number(after));
        const report = context.heartbeat;
        Object.defineProperty(context, 'heartbeat', {
          value: (details?: unknown) => {
            report(details);
            if (((details as { done?: number } | undefined)?.done ?? 0) > 0) die(activity, n);
          },
        });
      }
      try {
        const answer = await next(input);
        if (isTarget && moment === 'after') die(activity, n);
        note({ kind: 'end', activity, n, attempt });
        return answer;
      } catch (error) {
        note({ kind: 'failed', activity, n, attempt, why: String(error).slice(0, 500) });
        throw error;
      } finally {
        clearTimeout(timer);
      }
    },
  },
});

await runWorker({
  address: setting('LAB_ADDRESS'),
  systemsDirectory: setting('LAB_SYSTEMS'),
  taskQueue: setting('LAB_QUEUE'),
  interceptors: [killing],
});
