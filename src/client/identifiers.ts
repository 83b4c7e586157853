/** Ids of runs: `<runbook>/<system>/<ten letters that sort by time>`; people may abbreviate them. */
import { randomInt } from 'node:crypto';
import { usageError } from './errors.ts';

/** Crockford's base 32, lower case: sorts as it counts, and has no i, l, o, u. */
const digits = '0123456789abcdefghjkmnpqrstvwxyz';
const epoch = Date.UTC(2020, 0, 1);

/** Six letters of time (seconds, until 2054) and four of chance (a million within a second). */
export function newRunId(runbook: string, system: string, now: number = Date.now()): string {
  return `${runbook}/${system}/${base32(Math.floor((now - epoch) / 1000), 6)}${base32(randomInt(2 ** 20), 4)}`;
}

function base32(value: number, length: number): string {
  let text = '';
  for (let rest = value; text.length < length; rest = Math.floor(rest / 32))
    text = (digits[rest % 32] ?? '') + text;
  return text;
}

/** An id a person chose with `--id`: nothing that a shell, a URL or a terminal would read as something else. */
export function checkChosenId(id: string): void {
  if (!/^[A-Za-z0-9][A-Za-z0-9._:@/-]{0,199}$/.test(id)) {
    throw usageError(
      `--id ${JSON.stringify(id.slice(0, 60))} is not usable.`,
      'Letters, digits and . _ : @ / - are, beginning with a letter or digit, at most 200.',
    );
  }
}

/** Which of `known` a person means by `typed`: the whole id, its beginning, or the beginning of its last part. */
export function matchIds(typed: string, known: readonly string[]): string[] {
  if (known.includes(typed)) return [typed];
  return known.filter((id) => id.startsWith(typed) || (id.split('/').at(-1) ?? '').startsWith(typed));
}
