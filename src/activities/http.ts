/** One HTTP request with limits: its own time-out, a bounded answer, no redirect followed, no connection kept. */
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';

export interface Ask {
  url: string;
  method?: string;
  headers?: Readonly<Record<string, string>>;
  body?: string;
  /** Milliseconds until the whole answer must be there. */
  timeoutMs: number;
  /** More than this of the answer is not read. Default 64 KiB. */
  mostBytes?: number;
  signal?: AbortSignal;
}

export interface Answer {
  status: number;
  body: string;
  /** True when the answer was longer than what was read. */
  truncated: boolean;
  /** Where it points to, for a redirect. */
  location?: string;
  latencyMs: number;
}

/** There was no answer. `code`: ECONNREFUSED, ENOTFOUND, ETIMEDOUT and the like. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
  readonly code: string;

  constructor(message: string, code: string) {
    super(message);
    this.code = code;
  }
}

/** The answer, whatever its status. Throws NoAnswer, whose message never holds the address: it may be a secret. */
export async function ask(asked: Ask): Promise<Answer> {
  const { url, method = 'GET', headers = {}, body, timeoutMs, mostBytes = 64 * 1024, signal } = asked;
  const startedAt = performance.now();
  const limit = AbortSignal.timeout(timeoutMs);
  const target = new URL(url);
  const send = target.protocol === 'https:' ? httpsRequest : httpRequest;
  return await new Promise<Answer>((resolve, reject) => {
    const fail = (error: Error) => {
      if (signal?.aborted) reject(signal.reason as Error);
      else if (limit.aborted) reject(new NoAnswer(`no answer within ${timeoutMs / 1000} s`, 'ETIMEDOUT'));
      else reject(noAnswer(error));
    };
    const outgoing = send(target, {
      method,
      agent: false,
      headers: {
        connection: 'close',
        'user-agent': 'durable-runbooks',
        ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
        ...headers,
      },
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
    });
    outgoing.on('error', fail);
    outgoing.on('response', (incoming) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      const settle = (truncated: boolean) => {
        const { location } = incoming.headers;
        resolve({
          status: incoming.statusCode ?? 0,
          body: Buffer.concat(chunks).subarray(0, mostBytes).toString('utf8'),
          truncated,
          latencyMs: Math.round(performance.now() - startedAt),
          ...(location === undefined ? {} : { location }),
        });
      };
      incoming.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        bytes += chunk.length;
        if (bytes <= mostBytes) return;
        settle(true);
        incoming.destroy();
      });
      incoming.on('end', () => settle(false));
      incoming.on('error', fail);
    });
    outgoing.end(body);
  });
}

function noAnswer(error: Error): NoAnswer {
  // A host with several addresses fails with one error for each.
  const first = error instanceof AggregateError ? ((error.errors[0] as Error | undefined) ?? error) : error;
  const code = (first as NodeJS.ErrnoException).code ?? 'unknown';
  const words: Record<string, string> = {
    ECONNREFUSED: 'connection refused',
    ECONNRESET: 'connection closed before the answer',
    ENOTFOUND: 'host name not found',
    EAI_AGAIN: 'host name could not be looked up',
    EHOSTUNREACH: 'host unreachable',
    ENETUNREACH: 'network unreachable',
    ETIMEDOUT: 'connection timed out',
  };
  return new NoAnswer(words[code] ?? `no answer (${code === 'unknown' ? first.name : code})`, code);
}
