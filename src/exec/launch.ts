/** Starts a program that is to outlive this process: a session of its own, its output in a file, nothing of ours held. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { CommandError } from './error.ts';
import { prepare } from './prepare.ts';
import { type ProcessStat, processStat } from './proc.ts';
import { render } from './render.ts';

export interface Launch {
  argv: readonly [string, ...string[]];
  environment?: Readonly<Record<string, string>>;
  directory?: string;
  user?: string;
  /** Standard output and error are appended here; made (0640) when it is not there. */
  logFile: string;
  /**
   * Held open for reading as file descriptor 3: seen in /proc by whoever looks for this program later, even after it has
   * overwritten its own environment to change its title, as Redis does.
   */
  markFile: string;
}

export interface Launched {
  pid: number;
  stat: ProcessStat;
  /** How it ended, should it end while this process lives. */
  ended(): { exitCode: number | null; signalName: string | null } | undefined;
}

/** Throws a CommandError when it cannot be started. It is neither bounded in time nor ended with this process. */
export async function launch(request: Launch): Promise<Launched> {
  const prepared = prepare({ ...request, timeoutMs: 0 }, { dieWithUs: false });
  const log = openSync(request.logFile, 'a', 0o640);
  let mark: number | undefined;
  let child: ChildProcess;
  try {
    mark = openSync(request.markFile, 'r');
    child = spawn(prepared.file, prepared.args, {
      detached: true,
      shell: false,
      env: prepared.environment,
      stdio: ['ignore', log, log, mark],
      ...(prepared.directory === undefined ? {} : { cwd: prepared.directory }),
      ...(prepared.uid === undefined ? {} : { uid: prepared.uid }),
      ...(prepared.gid === undefined ? {} : { gid: prepared.gid }),
    });
  } catch (error) {
    throw refused(request, error as Error);
  } finally {
    closeSync(log);
    if (mark !== undefined) closeSync(mark);
  }
  // Read before anything else can run: until our event loop turns, even a program that ended at once is still in /proc.
  const stat = child.pid === undefined ? undefined : processStat(child.pid);
  let end: ReturnType<Launched['ended']>;
  child.once('exit', (exitCode, signalName) => (end = { exitCode, signalName }));
  child.unref();
  if (child.pid === undefined) {
    const error = await new Promise<Error>((resolve) => child.once('error', resolve));
    throw refused(request, error);
  }
  child.on('error', () => undefined);
  if (stat === undefined) throw refused(request, new Error('it cannot be seen in /proc, which this needs'));
  return { pid: child.pid, stat, ended: () => end };
}

function refused({ argv }: Launch, cause: Error): CommandError {
  const what = `The program could not be started: ${cause.message}`;
  return new CommandError({ command: render(argv), reason: 'spawn', what, cause });
}
