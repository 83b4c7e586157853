/**
 * Servers as child processes that never outlive the process that started them.
 *
 * A process is known by its pid and its start time in /proc, never by its name: a pid alone may belong to somebody
 * else by the time a signal is sent, and a name belongs to anybody.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { removeTemporaryDirectories } from './directories.ts';
import type { SystemUser } from './users.ts';
import { waitUntil } from './wait.ts';

export interface ServerOptions {
  /** For messages. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly user?: SystemUser | undefined;
  /** Receives stdout and stderr; appended to. */
  readonly logFile: string;
  /** The signal for an orderly end; default SIGTERM. */
  readonly stopSignal?: NodeJS.Signals;
  /** The signal for an end at once that leaves nothing behind; default SIGKILL. */
  readonly emergencySignal?: NodeJS.Signals;
  /** Whether the server answers; errors count as "not yet". */
  readonly ready: () => Promise<boolean>;
  /** Milliseconds until it must answer; default 30 seconds. */
  readonly readyTimeoutMs?: number;
}

const running = new Set<ServerProcess>();

/** One started server. */
export class ServerProcess {
  readonly pid: number;
  /** Resolves when the process has ended, however it ended. */
  readonly exited: Promise<void>;
  readonly #child: ChildProcess;
  readonly #options: ServerOptions;
  readonly #startTime: string | undefined;
  #ended = false;

  constructor(options: ServerOptions) {
    this.#options = options;
    const log = openSync(options.logFile, 'a', 0o600);
    const [command, args] = dieWithParent(options);
    try {
      this.#child = spawn(command, args, {
        cwd: options.cwd,
        env: { ...process.env, ...options.env },
        stdio: ['ignore', log, log],
        // A session of its own: a Ctrl-C at the terminal reaches us alone, and we stop the servers in order.
        detached: true,
        ...(options.user === undefined ? {} : { uid: options.user.uid, gid: options.user.gid }),
      });
    } finally {
      closeSync(log);
    }
    this.exited = new Promise((resolve) => {
      const ended = () => {
        this.#ended = true;
        running.delete(this);
        resolve();
      };
      this.#child.once('exit', ended);
      this.#child.once('error', ended);
    });
    this.pid = this.#child.pid ?? 0;
    this.#startTime = processStartTime(this.pid);
    if (this.pid !== 0) {
      running.add(this);
      cleanUpAtExit();
    }
  }

  get isRunning(): boolean {
    return !this.#ended;
  }

  /** Orderly end, then SIGKILL after `timeoutMs`. Resolves when the process and all it started are gone. */
  async stop(timeoutMs = 10_000): Promise<void> {
    await this.#end(this.#options.stopSignal ?? 'SIGTERM', timeoutMs);
  }

  /** `kill -9` of the process and all it started. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL', 5_000);
  }

  /** For the last moment of this process, when nothing can be awaited any more. */
  endNow(): void {
    this.#signal(this.#options.emergencySignal ?? 'SIGKILL');
  }

  async #end(signal: NodeJS.Signals, timeoutMs: number): Promise<void> {
    const family = descendants(this.pid);
    if (!this.#ended) {
      this.#signal(signal);
      const inTime = await Promise.race([
        this.exited.then(() => true),
        sleep(timeoutMs, false, { ref: false }),
      ]);
      if (!inTime) this.#signal('SIGKILL');
      await this.exited;
    }
    for (const member of family) {
      if (isSameProcess(member.pid, member.startTime)) signalQuietly(member.pid, 'SIGKILL');
    }
    await waitUntil(() => family.every((member) => !isSameProcess(member.pid, member.startTime)), {
      what: `the processes of ${this.#options.name} to end`,
      intervalMs: 10,
    });
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.#ended || this.pid === 0 || !isSameProcess(this.pid, this.#startTime)) return;
    signalQuietly(this.pid, signal);
  }
}

/**
 * Starts a server and waits until it answers.
 * @throws Error with the last lines of its log when it ends first or does not answer in time; nothing is left running.
 */
export async function startServer(options: ServerOptions): Promise<ServerProcess> {
  const server = new ServerProcess(options);
  try {
    await waitUntil(async () => !server.isRunning || (await options.ready()), {
      what: `${options.name} to answer`,
      timeoutMs: options.readyTimeoutMs ?? 30_000,
      intervalMs: 20,
    });
  } catch (error) {
    await server.kill();
    throw new Error(`${(error as Error).message}\n${lastLines(options.logFile)}`, { cause: error });
  }
  if (server.isRunning) return server;
  throw new Error(
    `${options.name} ended instead of starting (${options.command}). Its log, ${options.logFile}, ends:\n` +
      lastLines(options.logFile),
  );
}

/** The time a process started, in clock ticks since boot; undefined when there is no such process (or no /proc). */
export function processStartTime(pid: number): string | undefined {
  return readStat(pid)?.startTime;
}

/** Whether `pid` still is the process that started at `startTime`; a zombie counts as gone. */
export function isSameProcess(pid: number, startTime: string | undefined): boolean {
  if (!existsSync('/proc/self/stat')) return isAlive(pid);
  const stat = readStat(pid);
  return stat !== undefined && stat.state !== 'Z' && stat.startTime === startTime;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

function readStat(pid: number): { state: string; parent: number; startTime: string } | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  // "pid (name) state ppid ..."; the name may hold spaces and brackets, so count from its last bracket. See proc(5).
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0] ?? '', parent: Number(fields[1]), startTime: fields[19] ?? '' };
}

function descendants(root: number): { pid: number; startTime: string }[] {
  if (root === 0 || !existsSync('/proc/self/stat')) return [];
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const stat = readStat(Number(name));
      return stat === undefined ? [] : [{ pid: Number(name), ...stat }];
    });
  const found: { pid: number; startTime: string }[] = [];
  const parents = [root];
  for (let parent = parents.pop(); parent !== undefined; parent = parents.pop()) {
    for (const child of all.filter((candidate) => candidate.parent === parent)) {
      found.push({ pid: child.pid, startTime: child.startTime });
      parents.push(child.pid);
    }
  }
  return found;
}

function signalQuietly(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Gone in the meantime: what was wanted.
  }
}

/** On Linux the kernel itself signals the server when its parent dies, even by SIGKILL. */
function dieWithParent(options: ServerOptions): [string, readonly string[]] {
  const setpriv = '/usr/bin/setpriv';
  if (process.platform !== 'linux' || !existsSync(setpriv)) return [options.command, options.args];
  const signal = (options.stopSignal ?? 'SIGTERM').replace(/^SIG/, '');
  return [setpriv, ['--pdeathsig', signal, '--', options.command, ...options.args]];
}

function lastLines(file: string, count = 20): string {
  try {
    return readFileSync(file, 'utf8').trim().split('\n').slice(-count).join('\n');
  } catch {
    return '(no log)';
  }
}

let cleanupRegistered = false;

function cleanUpAtExit(): void {
  if (cleanupRegistered) return;
  cleanupRegistered = true;
  process.once('exit', () => {
    for (const server of running) server.endNow();
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    const stopAll = () => {
      void Promise.allSettled([...running].map(async (server) => await server.stop(5_000))).then(() => {
        process.removeListener(signal, stopAll);
        removeTemporaryDirectories();
        // With nobody else listening, end as the signal would have ended us.
        if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
      });
    };
    process.on(signal, stopAll);
  }
}
