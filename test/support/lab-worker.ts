/** A worker as a process of its own. What it started (services) outlives it, as with any worker. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { waitUntil } from '../../tools/lib/wait.ts';

export interface LabWorkerOptions {
  address: string;
  systemsDirectory: string;
  taskQueue: string;
  logFile: string;
  /** Where to die: see test/crash/worker.ts. */
  kill?: string | undefined;
  /** Receives a JSON line for each activity call. */
  events?: string | undefined;
}

export interface LabWorker {
  readonly pid: number;
  readonly exited: Promise<void>;
  readonly isRunning: boolean;
  /** Resolves when it polls. */
  ready(): Promise<void>;
  /** SIGKILL, of this process alone. */
  kill(): Promise<void>;
}

const program = path.join(import.meta.dirname, '../crash/worker.ts');
const setpriv = '/usr/bin/setpriv';
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** The kernel ends it when we die, however we die. Not its services: they are nobody's children. */
function commandLine(): [string, string[]] {
  if (!existsSync(setpriv)) return [process.execPath, [program]];
  return [setpriv, ['--pdeathsig', 'KILL', '--', process.execPath, program]];
}

export async function startLabWorker(options: LabWorkerOptions): Promise<LabWorker> {
  const log = openSync(options.logFile, 'a');
  const from = statSync(options.logFile).size;
  const child = spawn(...commandLine(), {
    stdio: ['ignore', log, log],
    env: {
      ...process.env,
      TEMPORAL_CONFIG_FILE: '/dev/null',
      LAB_ADDRESS: options.address,
      LAB_SYSTEMS: options.systemsDirectory,
      LAB_QUEUE: options.taskQueue,
      LAB_KILL: options.kill ?? '',
      LAB_EVENTS: options.events ?? '',
    },
  });
  closeSync(log);
  running.add(child);
  let alive = true;
  const exited = new Promise<void>((resolve) => {
    const ended = () => {
      alive = false;
      running.delete(child);
      resolve();
    };
    child.once('exit', ended);
    child.once('error', ended);
  });
  return {
    pid: child.pid ?? 0,
    exited,
    get isRunning() {
      return alive;
    },
    async ready() {
      const said = () => readFileSync(options.logFile, 'utf8').slice(from);
      await waitUntil(() => !alive || said().includes('ready: task queue'), {
        timeoutMs: 60_000,
        what: 'a worker to poll',
      });
      if (!alive) throw new Error(`The worker ended at once:\n${said().slice(-2000)}`);
    },
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
