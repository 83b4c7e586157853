/** Follows a run to its end, in one of three ways: a live tree, plain lines, JSON lines. Ctrl-C detaches; the run goes on. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunReport } from '../workflows/contract.ts';
import { CliError, type RunFailure, runFailure } from './errors.ts';
import { EventSource } from './events.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import { Observer, type Snapshot } from './observe.ts';
import { type Colors, colorsFor } from './render/marks.ts';
import { eventLines } from './render/plain.ts';
import { LiveBlock } from './render/terminal.ts';
import { Rates } from './render/transfer.ts';
import { treeLines } from './render/tree.ts';
import { reportLines } from './report.ts';
import type { RunbookClient, StartedRun } from './runs.ts';

export interface FollowOptions {
  stdout: NodeJS.WriteStream;
  env: NodeJS.ProcessEnv;
  json: boolean;
  /** Aborted by Ctrl-C. */
  signal: AbortSignal;
}

const lookEveryMs = 500;
const drawEveryMs = 200;

/** Something that shows a run; `end` is called once, with how it ended or undefined when detached. */
interface View {
  show(snapshot: Snapshot): void;
  end(outcome: Outcome | undefined): void;
}

export type Outcome = { report: RunReport } | { failure: RunFailure };

/** Resolves with the exit code of the whole command. */
export async function followRun(
  runs: RunbookClient,
  run: StartedRun,
  options: FollowOptions,
): Promise<ExitCode> {
  const view = chooseView(runs, run, options);
  const observer = new Observer(runs, run.id);
  let outcome: Outcome | undefined;
  try {
    while (!options.signal.aborted) {
      const snapshot = await raceAbort(observer.look(), options.signal);
      if (!snapshot) break;
      view.show(snapshot);
      if (
        snapshot.status !== 'RUNNING' &&
        snapshot.status !== 'PAUSED' &&
        snapshot.status !== 'CONTINUED_AS_NEW'
      ) {
        outcome = await runOutcome(runs, run.id);
        if (outcome) break;
      }
      await sleep(lookEveryMs, undefined, { signal: options.signal }).catch(() => undefined);
    }
  } finally {
    view.end(outcome);
  }
  return outcome ? exitCodeOf(outcome) : exitCodes.detached;
}

/** How a run that has ended ended; undefined when the server went away just then. */
export async function runOutcome(runs: RunbookClient, id: string): Promise<Outcome | undefined> {
  try {
    return { report: await runs.result(id) };
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    if (error.exitCode === exitCodes.unreachable) return undefined;
    const { cause } = error as { cause?: unknown };
    return { failure: { ...runFailure(cause ?? error), exitCode: error.exitCode } };
  }
}

/** A completed health check of an unhealthy system is an answer, and not a good one. */
export function exitCodeOf(outcome: Outcome): ExitCode {
  if ('failure' in outcome) return outcome.failure.exitCode;
  const { output } = outcome.report as { output?: unknown };
  const healthy =
    typeof output === 'object' && output !== null ? (output as { healthy?: unknown }).healthy : undefined;
  return healthy === false ? exitCodes.unhealthy : exitCodes.done;
}

/** What is printed when a person leaves a run that goes on. */
export function detachedLines(id: string): string[] {
  return [
    'Detached. The run goes on.',
    `  come back:  runbook watch ${id}`,
    `  end it:     runbook abort ${id} --reason '...'`,
  ];
}

function chooseView(runs: RunbookClient, run: StartedRun, options: FollowOptions): View {
  const { stdout, env } = options;
  const colors = colorsFor(stdout, env);
  const { address } = runs.temporal;
  if (options.json) return jsonView(run, address, stdout);
  if (stdout.isTTY && env['TERM'] !== 'dumb') return liveView(run, address, stdout, colors);
  return plainView(run, address, stdout, colors);
}

function jsonView(run: StartedRun, address: string, stdout: NodeJS.WriteStream): View {
  const events = new EventSource(address);
  const print = (value: object) =>
    void stdout.write(`${JSON.stringify({ at: new Date().toISOString(), ...value })}\n`);
  print({ event: 'started', id: run.id, runId: run.runId, attached: run.attached });
  return {
    show: (snapshot) => {
      for (const event of events.next(snapshot, Date.now())) print(event);
    },
    end: (outcome) => {
      if (!outcome) print({ event: 'detached', id: run.id });
      else if ('report' in outcome) print({ event: 'report', report: outcome.report });
      else print({ event: 'failed', failure: outcome.failure });
    },
  };
}

function plainView(run: StartedRun, address: string, stdout: NodeJS.WriteStream, colors: Colors): View {
  const events = new EventSource(address);
  const print = (lines: string[]) => void (lines.length > 0 && stdout.write(`${lines.join('\n')}\n`));
  print([intro(run)]);
  return {
    show: (snapshot) => {
      const now = Date.now();
      for (const event of events.next(snapshot, now)) print(eventLines(event, new Date(now), colors));
    },
    end: (outcome) => print(outcome ? outcomeLines(outcome, run.id, colors) : detachedLines(run.id)),
  };
}

function liveView(run: StartedRun, address: string, stdout: NodeJS.WriteStream, colors: Colors): View {
  const block = new LiveBlock(stdout);
  const rates = new Rates();
  let latest: Snapshot | undefined;
  const lines = ({ width, height }: { width: number; height: number }) =>
    latest ? treeLines(latest, { now: Date.now(), width, height, colors, address, rates }) : [];
  if (run.attached) stdout.write(`${intro(run)}\n`);
  // Drawn more often than looked at, so that the clocks go on while an answer is waited for.
  const timer = setInterval(() => block.draw(lines(block.size)), drawEveryMs);
  return {
    show: (snapshot) => {
      latest = snapshot;
    },
    end: (outcome) => {
      clearInterval(timer);
      block.clear();
      // The whole tree, however long and wide: it scrolls away like any output.
      const tree = lines({ width: Number.MAX_SAFE_INTEGER, height: Number.MAX_SAFE_INTEGER });
      const last = outcome ? outcomeLines(outcome, run.id, colors) : detachedLines(run.id);
      stdout.write(`${[...tree, ...last].join('\n')}\n`);
    },
  };
}

function intro(run: StartedRun): string {
  return run.attached ? `${run.id} was started before: following it` : `${run.id} started`;
}

function outcomeLines(outcome: Outcome, id: string, colors: Colors): string[] {
  if ('report' in outcome) return reportLines(outcome.report, colors);
  const [first = '', ...more] = outcome.failure.message.split('\n');
  return [
    `${colors.red(colors.bold(outcome.failure.type))}: ${first}`,
    ...more.map((line) => `  ${line}`),
    colors.dim(`  what happened: runbook timeline ${id}`),
  ];
}

async function raceAbort<Value>(work: Promise<Value>, signal: AbortSignal): Promise<Value | undefined> {
  if (signal.aborted) return undefined;
  let leave: (() => void) | undefined;
  const aborted = new Promise<undefined>((resolve) => {
    leave = () => resolve(undefined);
    signal.addEventListener('abort', leave, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    if (leave) signal.removeEventListener('abort', leave);
  }
}
