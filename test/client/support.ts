/**
 * For tests of the client: the real runbooks and a real Temporal, with activities of the test's own, so that a test decides
 * what a step does. Each test file has a task queue and systems of its own on the shared server.
 */
import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { NativeConnection, Runtime, Worker } from '@temporalio/worker';
import type { Activities } from '../../src/activities/contract.ts';
import { connectClient } from '../../src/temporal/connection.ts';
import { RunbookClient } from '../../src/client/runs.ts';
import { parseSystem } from '../../src/inventory/index.ts';
import { temporaryDirectory } from '../../tools/lib/directories.ts';
import { workflowBundle } from '../../src/temporal/bundle.ts';
import { createHash, randomBytes } from 'node:crypto';
import { sharedServers } from '../support/servers.ts';

export const root = path.resolve(import.meta.dirname, '../..');

/** A name that no other test uses. */
export function uniqueName(prefix: string): string {
  return `${prefix}-${[...randomBytes(6)].map((byte) => 'abcdefghijklmnop'[byte % 16]).join('')}`;
}

/** A small system whose services are asked and never started. `extra` is more YAML. */
export function inventoryText(name: string, extra = ''): string {
  return `name: ${name}
title: Test system
stateDirectory: /tmp
services:
  api:
    platform: { type: process, command: [/bin/true], logFile: /dev/null }
    health: { tcp: { host: 127.0.0.1, port: 1 } }
  db:
    role: database
    platform: { type: process, command: [/bin/true], logFile: /dev/null }
    health: { tcp: { host: 127.0.0.1, port: 2 } }
backup:
  destination: { type: filesystem, directory: /nowhere }
  components: [main]
stores:
  main:
    { type: postgres, service: db, host: 127.0.0.1, user: u, database: d }
${extra}`;
}

/** A directory of inventories, by system name. */
export async function inventories(systems: Record<string, string>): Promise<string> {
  const directory = path.join(await temporaryDirectory(), 'systems');
  await mkdir(directory, { recursive: true });
  for (const [name, text] of Object.entries(systems))
    await writeFile(path.join(directory, `${name}.yaml`), text);
  return directory;
}

export type Overrides = {
  [Name in keyof Activities]?: (...args: Parameters<Activities[Name]>) => Promise<unknown>;
};

/** Activities that answer as if all were well; those not given fail loudly. */
export function activitiesFor(inventory: (system: string) => string, overrides: Overrides = {}): object {
  return {
    loadSystem: async ({ system: name }: { system: string }) => {
      const { system, problems } = parseSystem(inventory(name), `${name}.yaml`);
      if (!system) throw new Error(JSON.stringify(problems));
      return { system, digest: 'test' };
    },
    digest: async ({ lines }: { lines: string[] }) =>
      createHash('sha256').update(lines.join('\n')).digest('hex'),
    sendMessage: async () => [],
    ...overrides,
  };
}

export interface TestWorker {
  stop(): Promise<void>;
}

let installed = false;

/** A worker on the real bundle. */
export async function startWorker(
  taskQueue: string,
  activities: object,
  address?: string,
): Promise<TestWorker> {
  if (!installed) {
    // Vitest's own signals end the process; tests stop their workers themselves.
    Runtime.install({ shutdownSignals: [], logger: { ...quiet, log: () => undefined } });
    installed = true;
  }
  const connection = await NativeConnection.connect({ address: address ?? sharedServers().temporal.address });
  const worker = await Worker.create({
    connection,
    taskQueue,
    workflowBundle: await workflowBundle(),
    activities,
    stickyQueueScheduleToStartTimeout: '1s',
    maxHeartbeatThrottleInterval: '200ms',
    defaultHeartbeatThrottleInterval: '200ms',
  });
  const running = worker.run();
  return {
    stop: async () => {
      worker.shutdown();
      await running;
      await connection.close();
    },
  };
}

const nothing = () => undefined;
const quiet = { trace: nothing, debug: nothing, info: nothing, warn: nothing, error: nothing };

export async function testClient(taskQueue: string, by = 'tester'): Promise<RunbookClient> {
  return new RunbookClient(await connectClient({ address: sharedServers().temporal.address }), {
    taskQueue,
    by,
  });
}

export interface CommandResult {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface RunningCommand {
  pid: number;
  readonly stdout: string;
  readonly stderr: string;
  kill(signal: NodeJS.Signals): void;
  ended: Promise<CommandResult>;
}

/** Starts the real command as a process of its own. */
export function startCommand(args: readonly string[], env: Record<string, string> = {}): RunningCommand {
  const child = spawn(process.execPath, [path.join(root, 'bin/runbook.js'), ...args], {
    cwd: root,
    env: { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', TEMPORAL_CONFIG_FILE: '/dev/null', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = new Promise<CommandResult>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
  return {
    pid: child.pid ?? 0,
    get stdout() {
      return stdout;
    },
    get stderr() {
      return stderr;
    },
    kill: (signal) => child.kill(signal),
    ended,
  };
}

export async function command(
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<CommandResult> {
  return await startCommand(args, env).ended;
}
