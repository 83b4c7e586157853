/** The worker as its own process, so that it can be killed as workers are killed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface DemoWorker {
  readonly pid: number;
  /** SIGKILL: no time to say goodbye. Resolves when it is gone. */
  kill(): Promise<void>;
  /** SIGTERM, and waits. */
  stop(): Promise<void>;
}

const checkout = path.dirname(import.meta.dirname);

/** Resolves when the worker polls. */
export async function startWorker(options: {
  address: string;
  systems: string;
  logFile: string;
}): Promise<DemoWorker> {
  const log = openSync(options.logFile, 'a');
  const before = readFileSync(options.logFile, 'utf8').length;
  const child: ChildProcess = spawn(
    process.execPath,
    ['src/client/main.ts', 'worker', '--address', options.address, '--systems', options.systems],
    {
      cwd: checkout,
      stdio: ['ignore', log, log],
      env: { ...process.env, TEMPORAL_CONFIG_FILE: '/dev/null' },
    },
  );
  closeSync(log);
  const gone = once(child, 'exit');
  while (!readFileSync(options.logFile, 'utf8').slice(before).includes('ready')) {
    if (child.exitCode !== null || child.signalCode !== null) {
      throw new Error(
        `The worker ended at once; its log:\n${readFileSync(options.logFile, 'utf8').slice(before)}`,
      );
    }
    await sleep(50);
  }
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    await gone;
  };
  return { pid: child.pid ?? 0, kill: () => end('SIGKILL'), stop: () => end('SIGTERM') };
}
