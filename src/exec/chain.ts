/**
 * Commands joined by the kernel: each one's output is the next one's input, and only the two ends pass through this process.
 * A single command is a chain of one.
 */
import { closeSync } from 'node:fs';
import { PassThrough, type Writable } from 'node:stream';
import type { Command, Outcome, Running } from './contract.ts';
import { CommandError } from './error.ts';
import { endGroup, groupIsAlive } from './groups.ts';
import {
  type Ended,
  type Ends,
  type Member,
  drained,
  isAccepted,
  memberError,
  release,
  startMember,
} from './member.ts';
import { makePipe } from './pipe.ts';
import { renderChain } from './render.ts';
import { lastLines } from './tail.ts';

/** Bytes held of an output that its reader has not taken yet; a pipe of the kernel gives 64 KiB at a time. */
const highWaterMark = 1024 * 1024;

export interface Streams {
  stdin?: 'pipe' | 'ignore';
  /** `pipe`: the caller reads it. `keep`: its end is in the outcome. */
  stdout?: 'pipe' | 'keep';
}

/** Throws a CommandError when one of them cannot be started; nothing is then left running. */
export function startChain(
  commands: readonly [Command, ...Command[]],
  signal: AbortSignal | undefined,
  streams: Streams,
): Running {
  const secrets = commands.flatMap((command) => command.secrets ?? []);
  const shown = renderChain(
    commands.map((command) => command.argv),
    secrets,
  );
  if (signal?.aborted) throw cancelled(shown, signal, '');
  const startedAt = performance.now();
  const members = startAll(commands, streams);
  const [first, last] = [members[0], members.at(-1)] as [Member, Member];

  // Node itself resumes the streams of an ended child, and what nobody listens for then is lost. So they are read from the
  // beginning, through a stream that ends only when everything went well: half a dump never looks like a whole one.
  const output = streams.stdout === 'pipe' ? new PassThrough({ highWaterMark }) : undefined;
  output?.on('error', () => undefined);
  if (output) last.child.stdout?.pipe(output, { end: false });
  else last.child.stdout?.on('data', (chunk: Buffer) => last.stdout.add(chunk));

  let stopped: CommandError | undefined;
  let ending: Promise<unknown> | undefined;
  const end = (error: CommandError) => {
    if (ending) return;
    stopped = error;
    output?.destroy(error);
    ending = Promise.all(members.map(async (member) => await endGroup(member.pid)));
  };
  const printed = () => lastLines(members.map((member) => member.stderr.text(secrets)).join(''));
  const onAbort = () => end(cancelled(shown, signal, printed()));
  signal?.addEventListener('abort', onAbort, { once: true });
  const limit = Math.min(...commands.map((command) => command.timeoutMs));
  // Above 2^31 milliseconds a timer would fire at once.
  const timer = setTimeout(() => end(timedOut(shown, limit, printed())), Math.min(limit, 2 ** 31 - 1));

  const finished = (async (): Promise<Outcome> => {
    try {
      const failed = await firstFailure(members, async (failure) => {
        // Whoever is left cannot do anything useful any more. Those downstream end by themselves; those upstream may not.
        await Promise.race([allEnded(members), sleep(1000)]);
        await Promise.all(
          members.filter((member) => member !== failure).map(async (member) => await endIfAlive(member)),
        );
      });
      await ending;
      const complete = await closeStreams(members, output);
      if (stopped) throw stopped;
      if (failed) throw memberError(failed.member, failed.ended, printedBy(failed.member, secrets));
      if (!complete) throw heldOpen(shown);
      const { exitCode } = await last.ended;
      return outcome(members, exitCode ?? 0, startedAt, secrets);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      for (const member of members) release(member);
    }
  })();
  // Also: a caller that fails on the stream never looks at `finished`, which must not count as an unhandled rejection.
  finished.then(
    () => output?.end(),
    (error: unknown) => output?.destroy(error as Error),
  );

  return {
    pid: last.pid,
    stdin: streams.stdin === 'pipe' ? first.child.stdin : feed(first),
    stdout: output ?? null,
    finished,
    stop: (reason) =>
      end(
        new CommandError({ command: shown, reason: 'cancelled', what: `The command was stopped: ${reason}` }),
      ),
  };
}

function startAll(commands: readonly [Command, ...Command[]], streams: Streams): Member[] {
  const members: Member[] = [];
  const open: number[] = [];
  try {
    let stdin: Ends['stdin'] =
      streams.stdin === 'pipe' || commands[0].stdin !== undefined ? 'pipe' : 'ignore';
    for (const [index, command] of commands.entries()) {
      const next = index < commands.length - 1 ? makePipe() : undefined;
      if (next) open.push(next.read, next.write);
      members.push(startMember(command, { stdin, stdout: next?.write ?? 'pipe' }));
      stdin = next?.read ?? 'ignore';
    }
  } catch (error) {
    for (const member of members) void endGroup(member.pid).then(() => release(member));
    throw error;
  } finally {
    // Our own copies: as long as one is open here, an early end of one program would never reach the other.
    for (const descriptor of open) closeSync(descriptor);
  }
  return members;
}

function feed({ command, child }: Member): Writable | null {
  if (command.stdin !== undefined) child.stdin?.end(command.stdin);
  return null;
}

/**
 * The failure that came first; one that only follows from another's (a broken pipe) gives way to it. `onFailure` is run at
 * the first of any kind.
 */
async function firstFailure(
  members: readonly Member[],
  onFailure: (member: Member) => Promise<void>,
): Promise<{ member: Member; ended: Ended } | undefined> {
  const failures: { member: Member; ended: Ended }[] = [];
  let cleaning: Promise<void> | undefined;
  await Promise.all(
    members.map(async (member) => {
      const ended = await member.ended;
      if (isAccepted(member, ended)) return;
      // Once the others are being ended, how they end says nothing.
      if (!cleaning || ended.signalName !== 'SIGTERM') failures.push({ member, ended });
      cleaning ??= onFailure(member);
    }),
  );
  await cleaning;
  return failures.find(({ ended }) => ended.signalName !== 'SIGPIPE') ?? failures[0];
}

async function closeStreams(members: readonly Member[], output: PassThrough | undefined): Promise<boolean> {
  const last = members.at(-1);
  const complete = await Promise.all([
    drained(last?.child.stdout ?? null, () => output?.writableNeedDrain === true && !output.destroyed),
    ...members.map(async (member) => await drained(member.child.stderr)),
  ]);
  // Only the output that a caller reads to its end must have had one.
  return output === undefined || (complete[0] ?? false);
}

async function endIfAlive(member: Member): Promise<void> {
  if (groupIsAlive(member.pid)) await endGroup(member.pid);
}

async function allEnded(members: readonly Member[]): Promise<void> {
  await Promise.all(members.map(async (member) => await member.ended));
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** What it printed: on standard error, else on standard output. */
function printedBy(member: Member, secrets: readonly string[]): string {
  const errors = member.stderr.text(secrets);
  return errors.trim() === '' ? member.stdout.text(secrets) : errors;
}

function outcome(
  members: readonly Member[],
  exitCode: number,
  startedAt: number,
  secrets: readonly string[],
): Outcome {
  const tails = members.flatMap((member) => [member.stdout, member.stderr]);
  return {
    exitCode,
    stdout: members.at(-1)?.stdout.text(secrets) ?? '',
    stderr: members.map((member) => member.stderr.text(secrets)).join(''),
    truncated: tails.some((tail) => tail.truncated),
    durationMs: Math.round(performance.now() - startedAt),
  };
}

function cancelled(command: string, signal: AbortSignal | undefined, printed: string): CommandError {
  const facts = {
    command,
    reason: 'cancelled',
    what: 'The command was cancelled',
    lastLines: printed,
  } as const;
  return new CommandError({ ...facts, cause: signal?.reason });
}

function timedOut(command: string, afterMs: number, printed: string): CommandError {
  const what = `The command took longer than ${String(afterMs / 1000)} s and was ended`;
  return new CommandError({ command, reason: 'timeout', what, lastLines: printed });
}

function heldOpen(command: string): CommandError {
  const what =
    'The command ended, but something it started still holds its output: whether all of it came is not known';
  return new CommandError({ command, reason: 'exit', exitCode: 0, what });
}
