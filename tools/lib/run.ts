/** Runs a command to its end: an argument vector, never a shell. For tools and tests only; `src/exec` serves the product. */
import { spawn } from 'node:child_process';
import { stripVTControlCharacters } from 'node:util';

export interface RunOptions {
  readonly cwd?: string;
  /** Added to (or, with undefined, removed from) this process's environment. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly uid?: number;
  readonly gid?: number;
  /** Written to the command's stdin, which is otherwise empty. */
  readonly input?: string;
  /** Milliseconds after which the command is killed; default ten minutes. */
  readonly timeoutMs?: number;
}

export interface RunResult {
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that could not start, or ended with anything but 0. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed';
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;

  constructor(command: readonly string[], reason: string, exitCode: number | undefined, result: RunResult) {
    // Maven ends its stderr with the codes for no colour, and tells what went wrong on stdout.
    const complaint = stripVTControlCharacters(result.stderr).trim();
    const said = complaint === '' ? stripVTControlCharacters(result.stdout).trim() : complaint;
    const lastLines = said.split('\n').slice(-15).join('\n');
    super(`${command.join(' ')}: ${reason}${lastLines === '' ? '' : `\n${lastLines}`}`);
    this.exitCode = exitCode;
    this.stdout = result.stdout;
    this.stderr = result.stderr;
  }
}

/**
 * Runs `command` and resolves with what it printed.
 * @throws CommandFailed when it cannot start, is killed, times out or exits with anything but 0.
 */
export async function run(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  const argv = [command, ...args];
  return await new Promise<RunResult>((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout: options.timeoutMs ?? 600_000,
      killSignal: 'SIGKILL',
      ...(options.uid === undefined ? {} : { uid: options.uid }),
      ...(options.gid === undefined ? {} : { gid: options.gid }),
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    const result = () => ({
      stdout: Buffer.concat(stdout).toString('utf8'),
      stderr: Buffer.concat(stderr).toString('utf8'),
    });
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    // A command that ends without reading its input breaks the pipe: its exit code tells the story.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
    child.on('error', (error) => {
      reject(new CommandFailed(argv, error.message, undefined, result()));
    });
    child.on('close', (code, signal) => {
      if (code === 0) resolve(result());
      else if (signal !== null) reject(new CommandFailed(argv, `killed by ${signal}`, undefined, result()));
      else reject(new CommandFailed(argv, `exit ${code}`, code ?? undefined, result()));
    });
  });
}
