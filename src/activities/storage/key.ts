/** Which keys are let through to a storage. They are made by us, and checked all the same: a manifest is a stranger's text. */
import { failure } from '../failures.ts';

/** S3's own limit, in UTF-8 bytes; the usual limit of a file name for each segment. */
const keyLimit = 1024;
const segmentLimit = 200;

/** How an unfinished file is called; no object may be, or it would be taken for one and removed. */
export const partialSuffix = '.partial';

/** The key's segments. Failure `InvalidInput` for anything but a plain relative key. */
export function segmentsOf(key: string): [string, ...string[]] {
  const [first = '', ...others] = key.split('/');
  const segments: [string, ...string[]] = [first, ...others];
  const problem =
    Buffer.byteLength(key) > keyLimit ? `is longer than ${keyLimit} bytes` : problemOf(segments);
  if (problem) throw refused(key, problem);
  return segments;
}

/** A prefix is the beginning of a key: nothing, or a key, perhaps with `/` at its end. */
export function checkPrefix(prefix: string): void {
  if (prefix !== '') segmentsOf(prefix.endsWith('/') ? prefix.slice(0, -1) : prefix);
}

function problemOf(segments: readonly string[]): string | undefined {
  for (const segment of segments) {
    if (segment === '') return 'has an empty part';
    if (segment === '.' || segment === '..') return `has the part ${segment}`;
    if (Buffer.byteLength(segment) > segmentLimit) return `has a part longer than ${segmentLimit} bytes`;
    // eslint-disable-next-line no-control-regex -- control characters are what is looked for
    if (/[\u0000-\u001f\u007f\\]/.test(segment)) return 'has a control character or a backslash';
    if (segment.endsWith(partialSuffix)) return `has a part that ends in ${partialSuffix}`;
  }
  return undefined;
}

function refused(key: string, problem: string) {
  return failure('InvalidInput', {
    what: `The storage key ${JSON.stringify(key.slice(0, 200))} ${problem}: refused.`,
    hint: 'If it came from a manifest, do not trust that backup; look at who can write to the destination.',
    retryable: false,
  });
}
