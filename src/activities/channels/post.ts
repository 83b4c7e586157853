/** Posts JSON to a channel that speaks HTTP. Trying again is Temporal's business. */
import { NoAnswer, ask } from '../http.ts';

const withinMs = 10_000;

export interface Post {
  url: string;
  body: unknown;
  /** Sent as `Idempotency-Key`: the receiver can tell a repetition. */
  key: string;
  token?: string;
  signal: AbortSignal;
}

/** Throws an Error that says why, without the address. */
export async function postJson({ url, body, key, token, signal }: Post): Promise<void> {
  try {
    const answer = await ask({
      url,
      method: 'POST',
      timeoutMs: withinMs,
      signal,
      body: JSON.stringify(body),
      headers: {
        'content-type': 'application/json; charset=utf-8',
        'idempotency-key': headerValue(key),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
    });
    if (answer.status >= 200 && answer.status <= 299) return;
    throw new Error(`HTTP ${answer.status}: ${answer.body.trim().slice(0, 200)}`);
  } catch (error) {
    if (error instanceof NoAnswer) throw new Error(error.message, { cause: error });
    throw error;
  }
}

/** Header values are ASCII; a key with anything else is encoded, and still is the same on every attempt. */
function headerValue(text: string): string {
  return /^[\x20-\x7e]*$/.test(text) ? text : encodeURIComponent(text);
}
