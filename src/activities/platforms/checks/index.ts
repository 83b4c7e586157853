/** Asks a service whether it is well, in its own protocol. Adding a protocol is one file and one line here. */
import { CommandError } from '../../../exec/index.ts';
import type { Store } from '../../../inventory/schema/store.ts';
import type { ServiceHealth, ServiceRequest } from '../contract.ts';
import { checkCommand } from './command.ts';
import { type Verdict, unhealthy, unreachable } from './contract.ts';
import { checkHttp } from './http.ts';
import { checkPostgres } from './postgres.ts';
import { checkRedis } from './redis.ts';
import { checkTcp } from './tcp.ts';

/** One look. Throws nothing but a cancellation: what is wrong, with the service or with asking it, is in the answer. */
export async function checkHealth(request: ServiceRequest, signal: AbortSignal): Promise<ServiceHealth> {
  const startedAt = performance.now();
  let verdict: Verdict;
  try {
    verdict = await ask(request, signal);
  } catch (error) {
    signal.throwIfAborted();
    verdict = asVerdict(error);
  }
  return { service: request.service, latencyMs: Math.round(performance.now() - startedAt), ...verdict };
}

async function ask(request: ServiceRequest, signal: AbortSignal): Promise<Verdict> {
  const { health } = request.spec;
  if ('http' in health) return await checkHttp(health.http, signal);
  if ('tcp' in health) return await checkTcp(health.tcp, signal);
  if ('postgres' in health) return await checkPostgres(storeOf(request, health.postgres, 'postgres'), signal);
  if ('redis' in health) return await checkRedis(storeOf(request, health.redis, 'redis'), signal);
  return await checkCommand(health.command, request, signal);
}

/** The store that a health check names. Throws when there is none of that name and type. */
export function storeOf<Type extends Store['type']>(
  request: ServiceRequest,
  name: string,
  type: Type,
): Extract<Store, { type: Type }> {
  const store = request.stores[name];
  if (store?.type === type) return store as Extract<Store, { type: Type }>;
  throw new Error(`the health check names ${name}, which is not a store of type ${type}`);
}

function asVerdict(error: unknown): Verdict {
  if (!(error instanceof CommandError))
    return unhealthy(error instanceof Error ? error.message : String(error));
  const lines = error.lastLines === '' ? '' : `: ${error.lastLines.slice(-500)}`;
  return error.reason === 'timeout' ? unreachable(error.what) : unhealthy(`${error.what}${lines}`);
}
