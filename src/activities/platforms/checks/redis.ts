/** Asks Redis with PING. While it still loads its data it answers, but serves nobody: that is not healthy. */
import { run } from '../../../exec/index.ts';
import type { RedisStore } from '../../../inventory/schema/store.ts';
import { resolveSecret } from '../../secrets.ts';
import { type Verdict, answerWithinMs, unhealthy, unreachable } from './contract.ts';

export async function checkRedis(store: RedisStore, signal: AbortSignal): Promise<Verdict> {
  const password = store.password === undefined ? undefined : await resolveSecret(store.password);
  const place = store.host.startsWith('/')
    ? ['-s', store.host]
    : ['-h', store.host, '-p', String(store.port)];
  const user = store.user === undefined ? [] : ['--user', store.user];
  const answer = await run(
    {
      argv: ['redis-cli', ...place, ...user, '--no-auth-warning', 'PING'],
      environment: password === undefined ? {} : { REDISCLI_AUTH: password },
      secrets: password === undefined ? [] : [password],
      timeoutMs: answerWithinMs,
      accept: [0, 1],
    },
    signal,
  );
  const said = answer.stdout.trim();
  if (said === 'PONG') return { healthy: true, status: 'healthy', detail: 'PONG' };
  const complaint = (said || answer.stderr.trim()).slice(0, 500);
  return complaint.startsWith('Could not connect') ? unreachable(complaint) : unhealthy(complaint);
}
