/** Asks over HTTP. A redirect is an answer with its own status, not followed: elsewhere is another service. */
import { formatDuration, milliseconds } from '../../../inventory/duration.ts';
import type { HealthCheck } from '../../../inventory/schema/service.ts';
import { NoAnswer, ask } from '../../http.ts';
import { type Verdict, answerWithinMs, unhealthy, unreachable } from './contract.ts';

type HttpCheck = Extract<HealthCheck, { http: unknown }>['http'];

const mostBytes = 1024 * 1024;

export async function checkHttp(check: HttpCheck, signal: AbortSignal): Promise<Verdict> {
  const { url, status, contains, slowAfter } = check;
  const slowMs = slowAfter === undefined ? Infinity : milliseconds(slowAfter);
  // An answer that is merely slow must have the time to arrive.
  const timeoutMs = answerWithinMs + (slowAfter === undefined ? 0 : slowMs);
  try {
    const answer = await ask({ url, timeoutMs, mostBytes, signal });
    const { latencyMs } = answer;
    const said = `HTTP ${answer.status}`;
    if (answer.status !== status) {
      const to = answer.location === undefined ? '' : ` to ${answer.location.slice(0, 200)}`;
      return { ...unhealthy(`${said}${to}, expected ${status}`, answer.status), latencyMs };
    }
    if (contains !== undefined && !answer.body.includes(contains)) {
      const read = answer.truncated ? ' (in its first MiB)' : '';
      return { ...unhealthy(`${said}, but without "${contains}"${read}`, answer.status), latencyMs };
    }
    if (latencyMs > slowMs) {
      const detail = `${said} after ${formatDuration(latencyMs)}, expected within ${slowAfter ?? ''}`;
      return { healthy: true, status: 'slow', detail, code: answer.status, latencyMs };
    }
    return { healthy: true, status: 'healthy', detail: said, code: answer.status, latencyMs };
  } catch (error) {
    if (error instanceof NoAnswer) return unreachable(`${error.message} (${url})`);
    throw error;
  }
}
