/**
 * The only place that starts a program. Arguments are never read by a shell; output, time and environment are bounded; what
 * a command started ends with it; secrets are masked in all that leaves.
 */
import { startChain, type Streams } from './chain.ts';
import type { Command, Outcome, Running } from './contract.ts';

export type { Command, Outcome, Running } from './contract.ts';
export type { Streams } from './chain.ts';
export { CommandError, type CommandErrorReason, isBrokenPipe } from './error.ts';
export { findProgram } from './environment.ts';
export { type Launch, type Launched, launch } from './launch.ts';
export { isAlive, liveProcesses, processStat, type ProcessStat } from './proc.ts';
export { redact } from './redact.ts';
export { render, renderChain } from './render.ts';
export { identityFor } from './users.ts';

/**
 * Runs a command to its end. Cancellation and time-out end its whole process group (SIGTERM, after 5 s SIGKILL).
 * Throws a CommandError when it cannot be started, is ended, or answers an exit code that is not accepted.
 */
export async function run(command: Command, signal?: AbortSignal): Promise<Outcome> {
  return await start(command, signal).finished;
}

/**
 * Starts a command whose streams the caller works with. Default: no input (or the command's own `stdin`), output kept.
 *
 * A piped `stdout` ends only when the command has succeeded; otherwise it is destroyed with the CommandError. Always await
 * `finished`. A piped `stdin` may break (`isBrokenPipe`) when the program ends early: `finished` tells whether it should have.
 * Throws at once when the program cannot be started.
 */
export function start(command: Command, signal: AbortSignal | undefined, streams: Streams = {}): Running {
  return startChain([command], signal, streams);
}

/**
 * Starts commands joined by the kernel, first to last; the caller reads the last one's output (and, if asked, writes the
 * first one's input). `finished` rejects if any of them failed, naming the first that did, and the output then never ends
 * cleanly. The shortest of their time-outs holds for all.
 */
export function startPiped(
  commands: readonly [Command, ...Command[]],
  signal: AbortSignal | undefined,
  streams: Streams = {},
): Running {
  return startChain(commands, signal, { stdout: 'pipe', ...streams });
}
