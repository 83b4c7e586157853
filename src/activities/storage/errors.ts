/** What every storage says in the same words. */
import { ApplicationFailure } from '@temporalio/common';
import { failure } from '../failures.ts';

export function objectExists(location: string): ApplicationFailure {
  return failure('ObjectExists', {
    what: `${location} is there already, and a stored object is never replaced.`,
    retryable: false,
  });
}

export function objectMissing(location: string): ApplicationFailure {
  return failure('StorageFailed', {
    what: `${location} is not there.`,
    hint: 'It was never written, or somebody removed it.',
    retryable: false,
    details: { missing: true },
  });
}

/** Whether a `read` failed because there is no such object. */
export function isMissing(error: unknown): boolean {
  if (!(error instanceof ApplicationFailure) || error.type !== 'StorageFailed') return false;
  return (error.details?.[0] as { missing?: boolean } | undefined)?.missing === true;
}

export function noSpace(location: string, bytes: number, cause: unknown): ApplicationFailure {
  return failure('NoSpace', {
    what: `No space left for ${location}: full after ${bytes.toLocaleString('en')} bytes. What was written of it is removed again.`,
    hint: 'Free space at the destination, or make it larger; the step can then be tried again.',
    cause,
    details: { bytes },
  });
}
