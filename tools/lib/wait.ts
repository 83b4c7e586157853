/** Waiting for a condition instead of sleeping for a guess. */
import { setTimeout as sleep } from 'node:timers/promises';

export interface WaitOptions {
  /** Milliseconds before giving up; default 15 seconds. */
  readonly timeoutMs?: number;
  /** Milliseconds between two looks; default 50. */
  readonly intervalMs?: number;
  /** What is waited for, for the message. */
  readonly what?: string;
}

/**
 * Looks until `look` answers with something true, and returns that. An error thrown by `look` counts as "not yet";
 * the last one is the cause of the time-out's error.
 */
export async function waitUntil<T>(
  look: () => T | Promise<T>,
  options: WaitOptions = {},
): Promise<Exclude<Awaited<T>, false | undefined | null>> {
  const { timeoutMs = 15_000, intervalMs = 50, what = 'the condition' } = options;
  const deadline = performance.now() + timeoutMs;
  let lastError: unknown;
  for (;;) {
    try {
      const seen = await look();
      if (seen) return seen as Exclude<Awaited<T>, false | undefined | null>;
      lastError = undefined;
    } catch (error) {
      lastError = error;
    }
    if (performance.now() >= deadline) {
      const detail = lastError instanceof Error ? `: ${lastError.message}` : '';
      throw new Error(`Waited ${timeoutMs} ms for ${what} in vain${detail}`, { cause: lastError });
    }
    await sleep(intervalMs);
  }
}
