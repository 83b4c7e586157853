/** One way to ask a service whether it is well. */
import type { ServiceHealth, ServiceRequest } from '../contract.ts';

export type Verdict = Omit<ServiceHealth, 'service' | 'latencyMs'> & { latencyMs?: number };

/** Never throws for what the service does or does not do. */
export type Check = (request: ServiceRequest, signal: AbortSignal) => Promise<Verdict>;

/** Milliseconds until a service that does not answer is called unreachable. */
export const answerWithinMs = 5000;

export function unreachable(detail: string): Verdict {
  return { healthy: false, status: 'unreachable', detail };
}

export function unhealthy(detail: string, code?: number): Verdict {
  return { healthy: false, status: 'unhealthy', detail, ...(code === undefined ? {} : { code }) };
}
