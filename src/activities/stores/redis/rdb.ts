/** A dump as redis-cli hands it over, and what Redis' own checker says of one. */
import { run, type Running } from '../../../exec/index.ts';
import { failure } from '../../failures.ts';
import { commandFailure } from '../../work.ts';

/** Redis ends a transfer of unknown length with 40 random characters (RDB_EOF_MARK_SIZE in redis-cli.c). */
const markerBytes = 40;

/**
 * The RDB that `redis-cli --rdb -` writes, without the mark after it: into a file redis-cli cuts the mark off, to standard
 * output it cannot. Ends only when redis-cli has said that the transfer succeeded and every byte it counted was seen.
 */
export async function* rdbBytes(running: Running): AsyncGenerator<Buffer> {
  let held: Buffer = Buffer.alloc(0);
  let seen = 0;
  for await (const chunk of running.stdout as AsyncIterable<Buffer>) {
    seen += chunk.length;
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    if (held.length <= markerBytes) continue;
    yield held.subarray(0, held.length - markerBytes);
    held = Buffer.from(held.subarray(held.length - markerBytes));
  }
  const { stderr } = await running.finished;
  const hasMarker = stderr.includes('until EOF marker');
  const announced = /(?:success after|writing) (\d+) bytes/.exec(stderr)?.[1];
  const bytes = hasMarker ? seen - markerBytes : seen;
  // Redis 6 does not count what ends with a mark; that it saw the mark is what success means then.
  const isWhole = announced === undefined ? hasMarker : Number(announced) === bytes;
  if (!/finished with success/.test(stderr) || !isWhole) {
    throw failure('CommandFailed', {
      what: `redis-cli did not say that the whole dump came: ${bytes} bytes were seen.`,
      lastLines: stderr,
      hint: 'Nothing was stored; the step is tried again.',
    });
  }
  const rest = hasMarker ? held.subarray(0, held.length - markerBytes) : held;
  if (rest.length > 0) yield rest;
}

export interface RdbFacts {
  /** Of the server that wrote it. */
  version: string;
  /** When its snapshot was taken, by the clock of that server; null when it does not say. */
  takenAt: string | null;
}

/** Lets redis-check-rdb read all of a file. Failure `BackupDamaged` with what it found. */
export async function checkRdb(file: string, what: string, signal: AbortSignal): Promise<RdbFacts> {
  try {
    const { stdout } = await run({ argv: ['redis-check-rdb', file], timeoutMs: 86_400_000 }, signal);
    const field = (name: string) => new RegExp(`AUX FIELD ${name} = '([^']*)'`).exec(stdout)?.[1];
    const written = Number(field('ctime'));
    return {
      version: field('redis-ver') ?? 'unknown',
      // A clock that goes ahead must not make a backup look younger than it is.
      takenAt: written > 0 ? new Date(Math.min(written * 1000, Date.now())).toISOString() : null,
    };
  } catch (error) {
    throw commandFailure(error, {
      what: `${what} is not a dump that Redis can load`,
      type: 'BackupDamaged',
      hint: 'Nothing of it was used. Use another backup (`runbook backups`).',
      retryable: false,
    });
  }
}
