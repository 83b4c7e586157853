/** Whether something accepts connections at an address. */
import { createConnection } from 'node:net';
import { type Verdict, answerWithinMs, unreachable } from './contract.ts';

export interface Address {
  /** A host, or a Unix socket's path. */
  host: string;
  port: number;
}

export async function checkTcp({ host, port }: Address, signal: AbortSignal): Promise<Verdict> {
  const problem = await connectionProblem({ host, port }, signal);
  if (problem === undefined) return { healthy: true, status: 'healthy', detail: 'accepting connections' };
  return unreachable(`${host}:${port}: ${problem}`);
}

/** Undefined when a connection could be made; else the system's word for why not (ECONNREFUSED, ETIMEDOUT). */
export async function connectionProblem(
  { host, port }: Address,
  signal: AbortSignal,
  withinMs: number = answerWithinMs,
): Promise<string | undefined> {
  signal.throwIfAborted();
  return await new Promise((resolve) => {
    const socket = host.startsWith('/') ? createConnection(host) : createConnection({ host, port });
    const settle = (problem: string | undefined) => {
      signal.removeEventListener('abort', onAbort);
      socket.destroy();
      resolve(problem);
    };
    const onAbort = () => settle('cancelled');
    signal.addEventListener('abort', onAbort, { once: true });
    socket.setTimeout(withinMs, () => settle('ETIMEDOUT'));
    socket.once('connect', () => settle(undefined));
    socket.once('error', (error: NodeJS.ErrnoException) => settle(error.code ?? error.message));
  });
}
