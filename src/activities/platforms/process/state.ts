/** What is to be said of a service's process. */
import { formatDuration } from '../../../inventory/duration.ts';
import type { ServiceRequest, ServiceState } from '../contract.ts';
import { logTail } from '../log-tail.ts';
import { readRecord } from './files.ts';
import { type Found, findLeftovers, findProcess, identityOf, upFor } from './identity.ts';

export async function observe(request: ServiceRequest): Promise<ServiceState> {
  const found = await findProcess(request);
  return found ? await runningState(found) : await stoppedState(request);
}

export async function runningState(found: Found): Promise<ServiceState> {
  const up = await upFor(found);
  return {
    running: true,
    identity: await identityOf(found),
    since: new Date(Date.now() - up).toISOString(),
    detail: `pid ${found.stat.pid}, up ${formatDuration(up)}${found.record ? '' : ', found by its mark'}`,
  };
}

/** A record without its process: it died. After a stop there is no record. */
async function stoppedState(request: ServiceRequest): Promise<ServiceState> {
  const record = await readRecord(request);
  if (!record) return { running: false, detail: 'not running' };
  const lines = await logTail(request.spec.platform.logFile, record.logOffset);
  const leftovers = await findLeftovers(request);
  const rest = leftovers.length === 0 ? '' : ` (what it started still runs: pid ${leftovers.join(', ')})`;
  const died = `not running: pid ${record.pid}, started ${record.startedAt}, has ended without being stopped${rest}`;
  return {
    running: false,
    detail: lines === '' ? `${died}; it wrote nothing` : `${died}. Its log ends:\n${lines}`,
  };
}
