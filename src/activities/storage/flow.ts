/** Bytes on their way: bodies that give up when told to, and streams that may not end early. */
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ApplicationFailure } from '@temporalio/common';
import { failure } from '../failures.ts';

/**
 * The body's chunks; throws the signal's reason as soon as it is aborted, also while the body gives nothing. The body is
 * closed however this ends, without waiting for it: a body that hangs must not hang us too.
 */
export async function* untilAborted(
  body: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  signal.throwIfAborted();
  const iterator = body[Symbol.asyncIterator]();
  // Not Promise.race with one long-lived promise: that keeps every chunk in memory until the end of the transfer.
  let giveUp: (reason: unknown) => void = () => {};
  const onAbort = () => giveUp(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  let ended = false;
  try {
    for (;;) {
      const next = await new Promise<IteratorResult<Uint8Array>>((resolve, reject) => {
        giveUp = reject;
        if (signal.aborted) reject(signal.reason as Error);
        else iterator.next().then(resolve, reject);
      });
      if (next.done) break;
      yield next.value;
    }
    ended = true;
    signal.throwIfAborted();
  } finally {
    signal.removeEventListener('abort', onAbort);
    if (!ended) {
      if (body instanceof Readable) body.destroy();
      void Promise.resolve(iterator.return?.()).catch(() => {});
    }
  }
}

/** The same bytes; an error when there are fewer or more than `expected`, so that a cut transfer never looks complete. */
export function exactly(source: Readable, expected: number, location: string, signal: AbortSignal): Readable {
  let seen = 0;
  const counter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      seen += chunk.length;
      if (seen > expected) done(wrongLength(location, seen, expected));
      else done(null, chunk);
    },
    flush(done) {
      done(seen === expected ? null : wrongLength(location, seen, expected));
    },
  });
  source.once('error', (error) => counter.destroy(signal.aborted ? error : cutOff(location, seen, error)));
  // An error reaches the reader through `counter`; here there is nobody to tell.
  pipeline(source, counter, { signal }).catch(() => {});
  return counter;
}

/** The source's own words (`aborted`, `read ECONNRESET`) name neither the object nor what to do. */
function cutOff(location: string, seen: number, error: Error) {
  if (error instanceof ApplicationFailure) return error;
  return failure('StorageFailed', {
    what: `Reading ${location} failed after ${seen.toLocaleString('en')} bytes: ${error.message}.`,
    hint: 'The connection or the disk failed while it was read; the step tries again.',
    cause: error,
  });
}

function wrongLength(location: string, seen: number, expected: number) {
  return failure('StorageFailed', {
    what: `Reading ${location} ended after ${seen.toLocaleString('en')} of ${expected.toLocaleString('en')} bytes.`,
    hint: 'The connection or the file was cut while it was read; the step tries again.',
  });
}
