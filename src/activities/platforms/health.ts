/** Waits until a service is well. */
import { setTimeout as sleep } from 'node:timers/promises';
import { formatDuration, milliseconds } from '../../inventory/duration.ts';
import { failure } from '../failures.ts';
import type { Work } from '../stores/contract.ts';
import { checkHealth } from './checks/index.ts';
import type { Platform, ServiceHealth, ServiceRequest } from './contract.ts';
import { logTail } from './log-tail.ts';

/** Between two looks: an eighth of the time waited so far, so that a start is noticed late by no more than that. */
const [leastMs, mostMs] = [50, 1000];

/**
 * Looks ever more rarely, at last each second. Failure `NotReady`, with the end of the log, when it is not well within `startWithin`, and at once when
 * it has died: nobody waits a minute for a process that is not there. Not tried again: it has had its time.
 */
export async function awaitHealthy(
  platform: Platform,
  request: ServiceRequest,
  work: Work,
): Promise<ServiceHealth> {
  const limit = milliseconds(request.spec.startWithin);
  const startedAt = performance.now();
  for (;;) {
    const health = await checkHealth(request, work.signal);
    const state = await platform.state(request, work);
    // Healthy without its process: another program answers in its place.
    if (health.healthy && state.running) return health;
    const waited = performance.now() - startedAt;
    const name = `${request.system}: service ${request.service}`;
    if (!state.running) {
      const impostor = health.healthy ? ' Something else answers its health check.' : '';
      throw failure('NotReady', {
        what: `${name} is not running.${impostor}`,
        lastLines: state.detail,
        hint: `Its log is ${request.spec.platform.logFile}. Cure the cause, then retry the step.`,
        retryable: false,
      });
    }
    if (waited >= limit) {
      throw failure('NotReady', {
        what: `${name} (${state.detail}) is not healthy after ${formatDuration(waited)}: ${health.detail}.`,
        lastLines: await logTail(request.spec.platform.logFile),
        hint: `Its log is ${request.spec.platform.logFile}. If it only needs longer, raise startWithin; then retry the step.`,
        retryable: false,
        details: { health: { ...health } },
      });
    }
    work.progress({
      note: `${request.service}: ${health.detail}, ${formatDuration(waited)} of ${request.spec.startWithin}`,
    });
    const pause = Math.min(mostMs, Math.max(leastMs, waited / 8));
    await sleep(Math.min(pause, Math.max(0, limit - waited)), undefined, { signal: work.signal });
  }
}
