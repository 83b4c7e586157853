/** Keeps new work away from a service, lets it in again, and waits until the work in hand is done. */
import { setTimeout as sleep } from 'node:timers/promises';
import { render, run } from '../../exec/index.ts';
import { formatDuration, milliseconds } from '../../inventory/duration.ts';
import type { Action, Traffic } from '../../inventory/schema/service.ts';
import { failure } from '../failures.ts';
import { NoAnswer, ask } from '../http.ts';
import type { Work } from '../stores/contract.ts';
import { commandFailure, type Effect } from '../work.ts';
import type { Drained, Platform, ServiceRequest } from './contract.ts';
import { sumOfSamples } from './prometheus.ts';

export type TrafficRequest = ServiceRequest & { traffic: Traffic };

const actionWithinMs = 30_000;
const pageWithinMs = 5000;
const lookEveryMs = 500;
const largestPage = 16 * 1024 * 1024;

/**
 * Nothing tells whether traffic is open: a gauge of 0 says only that nobody is being served at the moment. So the action, which
 * an inventory promises is safe to repeat, is always carried out.
 */
export function closing(platform: Platform): Effect<TrafficRequest, { open: boolean }> {
  return {
    async observe({ traffic }) {
      return { todo: [shown(traffic.close)], foreseen: { open: false } };
    },
    async act(request, work) {
      try {
        await perform(request, request.traffic.close, 'close', work);
      } catch (error) {
        // Asked over HTTP and not there: if the service itself does not run, it takes no work.
        const unanswered =
          'http' in request.traffic.close && error instanceof Error && error.cause instanceof NoAnswer;
        if (!unanswered || (await platform.state(request, work)).running) throw error;
      }
      return { open: false };
    },
  };
}

export const opening: Effect<TrafficRequest, { open: boolean }> = {
  async observe({ traffic }) {
    return { todo: [shown(traffic.open)], foreseen: { open: true } };
  },
  async act(request, work) {
    await perform(request, request.traffic.open, 'open', work);
    return { open: true };
  },
};

async function perform(request: ServiceRequest, action: Action, verb: string, work: Work): Promise<void> {
  const what = `${request.system}: could not ${verb} the traffic of ${request.service}`;
  const { environment, directory, user } = request.spec.platform;
  if ('command' in action) {
    const argv = action.command as [string, ...string[]];
    const place = {
      ...(directory === undefined ? {} : { directory }),
      ...(user === undefined ? {} : { user }),
    };
    await run({ argv, environment, timeoutMs: actionWithinMs, ...place }, work.signal).catch(
      (error: unknown) => {
        throw commandFailure(error, { what });
      },
    );
    return;
  }
  const { method, url } = action.http;
  try {
    const answer = await ask({ url, method, timeoutMs: actionWithinMs, signal: work.signal });
    if (answer.status >= 200 && answer.status <= 299) return;
    throw failure('CommandFailed', {
      what: `${what}: HTTP ${answer.status}.`,
      command: shown(action),
      lastLines: answer.body.slice(0, 500),
    });
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    throw failure('Unreachable', {
      what: `${what}: ${error.message}.`,
      command: shown(action),
      cause: error,
    });
  }
}

function shown(action: Action): string {
  if ('command' in action) return render(action.command);
  return render(['curl', '--fail', '--request', action.http.method, '--', action.http.url]);
}

/**
 * Waits until the gauge of work in hand is 0, at most `drainWithin`. A page that does not answer is not a 0; nor is one without
 * the gauge. Without a gauge the whole time is waited, and the answer says that nothing told. Never a failure.
 */
export async function awaitDrained(
  platform: Platform,
  request: TrafficRequest,
  work: Work,
): Promise<Drained> {
  const { active: gauge, drainWithin } = request.traffic;
  const limit = milliseconds(drainWithin);
  const startedAt = performance.now();
  for (;;) {
    const seen = gauge
      ? await look(gauge, work)
      : { active: null, reason: 'no gauge is named in the inventory' };
    const waitedMs = Math.round(performance.now() - startedAt);
    if (seen.active === 0) return { drained: true, active: 0, waitedMs };
    if (seen.active === null && !(await platform.state(request, work)).running) {
      return {
        drained: true,
        active: 0,
        waitedMs,
        reason: 'the service does not run: it has no work in hand',
      };
    }
    const reason = seen.reason ?? `${seen.active ?? '?'} still in hand`;
    if (waitedMs >= limit)
      return { drained: false, active: seen.active, waitedMs, reason: `${reason}, after ${drainWithin}` };
    work.progress({ note: `${request.service}: ${reason}, ${formatDuration(waitedMs)} of ${drainWithin}` });
    await sleep(Math.min(lookEveryMs, Math.max(1, limit - waitedMs)), undefined, { signal: work.signal });
  }
}

async function look(
  gauge: NonNullable<Traffic['active']>,
  work: Work,
): Promise<{ active: number | null; reason?: string }> {
  try {
    const page = await ask({
      url: gauge.metrics,
      timeoutMs: pageWithinMs,
      mostBytes: largestPage,
      signal: work.signal,
    });
    if (page.status !== 200) return { active: null, reason: `the metrics page answered HTTP ${page.status}` };
    if (page.truncated) return { active: null, reason: 'the metrics page is longer than 16 MiB' };
    const active = sumOfSamples(page.body, gauge.name);
    if (active === undefined) return { active: null, reason: `the metrics page has no ${gauge.name}` };
    return { active };
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    return { active: null, reason: `the metrics page: ${error.message}` };
  }
}
