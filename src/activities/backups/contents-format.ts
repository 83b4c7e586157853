/** The form of `contents.json`, and what is said of one that a newer version of this program wrote. */
import { failure } from '../failures.ts';

/** The number goes up whenever an older version could misread what is written. One without a format is of form 1. */
export const contentsFormat = 'durable-runbooks/contents/1';

/** The format, if it is of a form that came after ours; undefined for our own, and for what is none at all. */
export function newerFormat(json: unknown): string | undefined {
  const format = (json as { format?: unknown } | null | undefined)?.format;
  if (typeof format !== 'string') return undefined;
  const form = /^durable-runbooks\/contents\/([1-9]\d{0,8})$/.exec(format)?.[1];
  return form !== undefined && Number(form) > 1 ? format : undefined;
}

/** Failure `Unsupported` for contents of a newer form: nothing is wrong with the backup, only this worker is too old. */
export function refuseNewer(json: unknown, location: string): void {
  const format = newerFormat(json);
  if (format === undefined) return;
  throw failure('Unsupported', {
    what: `${location} has the format ${format}, and this worker reads none newer than ${contentsFormat}: a restored copy could not be compared.`,
    hint: 'A newer version of durable-runbooks wrote this backup: bring this worker up to it. The backup itself is not at fault.',
    retryable: false,
  });
}
