/** What it takes to start a program here. Nothing else in the product starts one, and nothing starts a shell. */
import type { Readable, Writable } from 'node:stream';

export interface Command {
  /** Program and arguments. A program without a slash is looked up on the PATH of the allow-listed environment. */
  argv: readonly [string, ...string[]];
  /** Added to the allow-listed environment (PATH, HOME, LANG, LC_ALL=C, TZ, TMPDIR). */
  environment?: Readonly<Record<string, string>>;
  directory?: string;
  /** Account to run under when we are root; ignored (with a clear failure if impossible) otherwise. */
  user?: string;
  stdin?: string | Uint8Array;
  /** Literal secrets that may appear in argv, environment or output: replaced by *** (also base64, also URL-encoded). */
  secrets?: readonly string[];
  /** Milliseconds until the whole process group gets SIGTERM, then after a grace SIGKILL. */
  timeoutMs: number;
  /** Kept of each stream, from its end; the rest is counted and dropped. Default 256 KiB. */
  keepBytes?: number;
  /** Exit codes that are an answer, not a failure. Default [0]. */
  accept?: readonly number[];
}

export interface Outcome {
  exitCode: number;
  stdout: string;
  stderr: string;
  /** True when more was printed than was kept. */
  truncated: boolean;
  durationMs: number;
}

/** A started program whose streams the caller works with. */
export interface Running {
  pid: number;
  stdin: Writable | null;
  stdout: Readable | null;
  /** Settles when it has ended and its streams are closed; rejects like `run` for an exit code that is not accepted. */
  finished: Promise<Outcome>;
  /** SIGTERM to its process group, SIGKILL after the grace. */
  stop(reason: string): void;
}
