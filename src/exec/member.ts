/** One started program of a chain: its streams, its end, and what is said when it failed. */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import type { Command } from './contract.ts';
import { CommandError } from './error.ts';
import { forget, remember } from './groups.ts';
import { prepare } from './prepare.ts';
import { redact } from './redact.ts';
import { render } from './render.ts';
import { Tail, lastLines } from './tail.ts';

const defaultKeepBytes = 256 * 1024;
/** How long output may stay silent after the program's end before whoever still holds it is no longer waited for. */
const silenceMs = 2000;

export interface Member {
  command: Command;
  child: ChildProcess;
  pid: number;
  stdout: Tail;
  stderr: Tail;
  /** Resolves, never rejects, when the program itself has ended. */
  ended: Promise<Ended>;
}

export interface Ended {
  exitCode: number | null;
  signalName: NodeJS.Signals | null;
  /** The system refused to start it. */
  refused?: Error;
}

/** Where a program's input comes from and its output goes to: this process, nowhere, or the end of a kernel pipe. */
export interface Ends {
  stdin: 'pipe' | 'ignore' | number;
  stdout: 'pipe' | number;
}

/** Starts one program. Throws a CommandError when it cannot be started. */
export function startMember(command: Command, ends: Ends): Member {
  const prepared = prepare(command, { dieWithUs: true });
  let child: ChildProcess;
  try {
    child = spawn(prepared.file, prepared.args, {
      // A group (and session) of its own: it is signalled as a whole, and a Ctrl-C at our terminal does not reach it.
      detached: true,
      shell: false,
      env: prepared.environment,
      stdio: [ends.stdin, ends.stdout, 'pipe'],
      ...(prepared.directory === undefined ? {} : { cwd: prepared.directory }),
      ...(prepared.uid === undefined ? {} : { uid: prepared.uid }),
      ...(prepared.gid === undefined ? {} : { gid: prepared.gid }),
    });
  } catch (error) {
    throw couldNotStart(command, error as Error);
  }
  const pid = child.pid ?? 0;
  if (pid !== 0) remember(pid);
  const keep = command.keepBytes ?? defaultKeepBytes;
  const stderr = new Tail(keep);
  child.stderr?.on('data', (chunk: Buffer) => stderr.add(chunk)).on('error', ignore);
  // A program that ends without reading all of its input breaks the pipe. That is its right; its exit code tells the story.
  child.stdin?.on('error', ignore);
  child.stdout?.on('error', ignore);
  const ended = new Promise<Ended>((resolve) => {
    child.once('error', (refused) => {
      if (child.pid === undefined) resolve({ exitCode: null, signalName: null, refused });
    });
    child.once('exit', (exitCode, signalName) => resolve({ exitCode, signalName }));
  });
  return { command, child, pid, stdout: new Tail(keep), stderr, ended };
}

/**
 * Waits for the end of a stream of a program that has ended. Something it left behind may hold the other end open for ever:
 * after two seconds of silence (while we are ready to read) the stream is given up. Answers whether it ended by itself.
 */
export async function drained(
  stream: Readable | null,
  isHeldUp: () => boolean = () => false,
): Promise<boolean> {
  if (!stream || stream.readableEnded || stream.closed) return true;
  return await new Promise<boolean>((resolve) => {
    let active = false;
    const settle = (byItself: boolean) => {
      clearInterval(timer);
      if (!byItself) stream.destroy();
      resolve(byItself);
    };
    const timer = setInterval(() => {
      if (!active && !isHeldUp()) settle(false);
      active = false;
    }, silenceMs);
    stream.on('data', () => (active = true));
    stream.once('end', () => settle(true));
    stream.once('close', () => settle(stream.readableEnded));
  });
}

/** Gives up what belongs to an ended program. */
export function release(member: Member): void {
  forget(member.pid);
  member.child.stdin?.destroy();
}

export function isAccepted({ command }: Member, ended: Ended): boolean {
  return ended.exitCode !== null && (command.accept ?? [0]).includes(ended.exitCode);
}

/** What to say of a program that ended as it should not have. */
export function memberError(member: Member, ended: Ended, printed: string): CommandError {
  if (ended.refused) return couldNotStart(member.command, ended.refused);
  const how =
    ended.signalName === null ? `exit code ${String(ended.exitCode)}` : `killed by ${ended.signalName}`;
  return new CommandError({
    command: render(member.command.argv, member.command.secrets),
    reason: 'exit',
    what: `The command failed (${how})`,
    exitCode: ended.exitCode,
    signalName: ended.signalName,
    lastLines: lastLines(printed),
  });
}

function couldNotStart(command: Command, cause: Error): CommandError {
  const code = (cause as NodeJS.ErrnoException).code ?? '';
  const hints: Record<string, string> = {
    EAGAIN: 'the limit of processes is reached',
    EMFILE: 'the limit of open files is reached',
    ENOMEM: 'there is no memory left',
    E2BIG: 'its arguments and environment are too long for the system',
    EACCES: 'it may not be executed, or the working directory not entered',
  };
  const why = hints[code] ?? redact(cause.message, command.secrets);
  return new CommandError({
    command: render(command.argv, command.secrets),
    reason: code === 'ENOENT' ? 'not-found' : 'spawn',
    what: `The command could not be started: ${why}`,
    cause,
  });
}

function ignore(): void {
  // Errors of a command's streams are told by its end.
}
