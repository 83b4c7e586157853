/** What every long activity needs of Temporal: its cancellation, heartbeats that carry how far it is, clear failures. */
import { Context } from '@temporalio/activity';
import { TemporalFailure } from '@temporalio/common';
import { CommandError } from '../exec/index.ts';
import type { Call, Done, Progress } from './call.ts';
import { type FailureType, failure } from './failures.ts';
import { type Observation, mutation } from './mutation.ts';
import type { Work } from './stores/contract.ts';

const heartbeatMs = 1000;

/** The work of the activity this runs in. It tells its progress when `progress` is called; `withWork` also beats by itself. */
export function currentWork(call: Call): Work {
  const context = Context.current();
  return {
    signal: context.cancellationSignal,
    call,
    progress: (progress) => context.heartbeat(progress),
  };
}

/**
 * Carries out an activity: a heartbeat each second, with the last progress told, from its start to its end. Whatever it
 * throws after a cancellation is the cancellation; a command's error that nobody explained is a `CommandFailed`.
 */
export async function withWork<Result>(call: Call, body: (work: Work) => Promise<Result>): Promise<Result> {
  const context = Context.current();
  // What the attempt before told last: shown until there is something newer, and never lost to a beat that says nothing.
  let last = context.info.heartbeatDetails as Progress | undefined;
  const beat = () => context.heartbeat(last);
  const work: Work = {
    ...currentWork(call),
    progress: (progress) => {
      last = progress;
    },
  };
  // Not at once where there is nothing to tell: it is a write in Temporal's database for each step, however short.
  if (last !== undefined) beat();
  const timer = setInterval(beat, heartbeatMs);
  try {
    return await body(work);
  } catch (error) {
    throw explained(error, work.signal);
  } finally {
    clearInterval(timer);
    // The last progress may be younger than the last beat; it is what a next attempt would resume from.
    if (last !== undefined) beat();
  }
}

/** The same for an activity that only looks: it has no call, and needs none. */
export async function withProbe<Result>(body: (work: Work) => Promise<Result>): Promise<Result> {
  const { info } = Context.current();
  const { workflowId = '', runId = '' } = info.workflowExecution ?? {};
  const key = `${workflowId}/${runId}/${info.activityId}`;
  return await withWork({ plan: false, fence: null, key }, body);
}

export interface Effect<Request, Result> {
  observe(request: Request, work: Work): Promise<Observation<Result>>;
  act(request: Request, work: Work): Promise<Result>;
}

/**
 * The mutating activity of an effect, or of the effect that fits a request: observes, plans or checks the lock, acts.
 */
export function effect<Request, Result>(
  choice: Effect<Request, Result> | ((request: Request) => Effect<Request, Result>),
): (request: Request, call: Call) => Promise<Done<Result>> {
  return async (request, call) =>
    await withWork(call, async (work) => {
      const chosen = typeof choice === 'function' ? choice(request) : choice;
      const activity = mutation<Request, Result>({
        observe: async (asked) => await chosen.observe(asked, work),
        act: async (asked) => await chosen.act(asked, work),
      });
      return await activity(request, call);
    });
}

export interface Explanation {
  /** What failed, on which system and part: one sentence, no full stop needed. */
  what: string;
  /** What to do next. */
  hint?: string;
  /** Default `CommandFailed`; a program that is not there is a `ConfigurationError` whatever is said here. */
  type?: FailureType;
  retryable?: boolean;
}

/**
 * The failure for what a command threw. A cancelled command gives what cancelled it; a failure that is explained already
 * passes through.
 */
export function commandFailure(
  error: unknown,
  { what, hint, type = 'CommandFailed', retryable }: Explanation,
): TemporalFailure {
  if (error instanceof TemporalFailure) return error;
  const sentence = what.replace(/[.:]?$/, '');
  if (!(error instanceof CommandError)) {
    const why = error instanceof Error ? error.message : String(error);
    return failure(type, { what: `${sentence}: ${why}`, cause: error, ...optional({ hint, retryable }) });
  }
  if (error.reason === 'cancelled' && error.cause instanceof TemporalFailure) return error.cause;
  const missing = error.reason === 'not-found';
  // Refused by our own look beforehand: it would be refused again. Refused by the system (memory, processes): it may not.
  const hopeless = missing || (error.reason === 'spawn' && error.cause === undefined);
  return failure(missing ? 'ConfigurationError' : type, {
    what: `${sentence}. ${error.what}.`,
    command: error.command,
    lastLines: error.lastLines,
    ...optional({
      hint: missing ? 'Install it where the worker runs, or put it on the worker’s PATH.' : hint,
      retryable: hopeless ? false : retryable,
    }),
  });
}

function explained(error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted && signal.reason instanceof Error) return signal.reason;
  return error instanceof CommandError ? commandFailure(error, { what: 'A command failed' }) : error;
}

function optional<T extends Record<string, unknown>>(facts: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: NonNullable<T[K]>;
  };
}

export interface StallLimits {
  /** Milliseconds without a byte until the transfer is given up. */
  afterMs: number;
  /** What stalls, for the message: `The upload of shop/postgres`. */
  what: string;
  type?: FailureType;
}

/**
 * Gives up a transfer that moves no byte: a connection that is neither closed nor alive would otherwise hold a run for hours.
 * Give `signal` to whatever transfers, call `moved` for each piece and `stop` at the end.
 */
export class StallGuard {
  readonly signal: AbortSignal;
  readonly #controller = new AbortController();
  readonly #limits: StallLimits;
  #timer: NodeJS.Timeout | undefined;
  #bytes = 0;

  constructor(signal: AbortSignal, limits: StallLimits) {
    this.#limits = limits;
    this.signal = AbortSignal.any([signal, this.#controller.signal]);
    this.#timer = setTimeout(() => this.#giveUp(), limits.afterMs);
  }

  /** So many more bytes have gone through. None is no progress. */
  moved(bytes: number): void {
    if (bytes <= 0) return;
    this.#bytes += bytes;
    this.#timer?.refresh();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #giveUp(): void {
    const { what, afterMs, type = 'Unreachable' } = this.#limits;
    this.#controller.abort(
      failure(type, {
        what: `${what} stalled: not a byte for ${afterMs / 1000} s, after ${this.#bytes} bytes.`,
        hint: 'Look at the network and at both ends; the step is tried again.',
      }),
    );
  }
}
