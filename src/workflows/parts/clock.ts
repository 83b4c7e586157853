/**
 * Time as the workflow knows it: the time of the current task, the same at every replay. The sandbox replaces `Date`; this
 * file is the one place that relies on it.
 */

export function now(): number {
  return Date.now();
}

export function isoNow(): string {
  return new Date(now()).toISOString();
}

export function iso(at: number): string {
  return new Date(at).toISOString();
}
