/** Asks with a program: healthy when it exits with 0. It runs as, where and with what the service itself runs. */
import { run } from '../../../exec/index.ts';
import type { ServiceRequest } from '../contract.ts';
import type { Verdict } from './contract.ts';

const timeoutMs = 10_000;

export async function checkCommand(
  argv: readonly string[],
  { spec: { platform } }: ServiceRequest,
  signal: AbortSignal,
): Promise<Verdict> {
  const { directory, environment, user } = platform;
  await run(
    {
      argv: argv as [string, ...string[]],
      environment,
      timeoutMs,
      ...(directory === undefined ? {} : { directory }),
      ...(user === undefined ? {} : { user }),
    },
    signal,
  );
  return { healthy: true, status: 'healthy', detail: 'exit code 0' };
}
