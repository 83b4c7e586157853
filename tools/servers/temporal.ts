/** A private Temporal dev server: the real server in one process, with the settings that make it quick. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';

import { freePort } from '../lib/ports.ts';
import { type ServerProcess, startServer } from '../lib/processes.ts';
import { run } from '../lib/run.ts';
import { ensure } from '../setup.ts';

export interface TemporalOptions {
  /** Holds the log; made if missing. */
  readonly directory: string;
  /** A SQLite file, with which runs survive the server; default: memory. */
  readonly dbFile?: string;
  readonly port?: number;
  /** Serve the web UI; default false. */
  readonly ui?: boolean;
  readonly uiPort?: number;
  /** Made at start beside `default`. */
  readonly namespaces?: readonly string[];
}

export interface TemporalServer {
  /** Host and port of the gRPC service. */
  readonly address: string;
  readonly uiUrl: string | undefined;
  readonly namespace: 'default';
  readonly logFile: string;
  readonly pid: number;
  readonly isRunning: boolean;
  stop(): Promise<void>;
  /** `kill -9`: only what is in `dbFile` survives. */
  kill(): Promise<void>;
  /** Starts it again after `stop` or `kill`, on the same ports. */
  start(): Promise<void>;
  /** `kill`, then `start`. */
  restart(): Promise<void>;
}

/** What the workflows upsert; the server knows them from its start on. */
export const searchAttributes = {
  RunbookSystem: 'Keyword',
  RunbookName: 'Keyword',
  RunbookPhase: 'Keyword',
  RunbookSeverity: 'Keyword',
  RunbookStep: 'Keyword',
} as const;

/**
 * The dev server's single shard polls 20 times a second by default, which adds 95 ms to every step (100 activities
 * in sequence: 9.5 s, with these two settings 1.1 s).
 */
const DYNAMIC_CONFIG = [
  'history.transferProcessorMaxPollRPS=2000',
  'system.enableActivityEagerExecution=true',
];

/** Without these a run of 200 workflows of 5 activities took 75 s on a database file, with them 6.7 s. */
const SQLITE_PRAGMAS = ['journal_mode=wal', 'synchronous=normal'];

/** Starts the server; resolves when it is healthy and has its search attributes. */
export async function startTemporalDevServer(options: TemporalOptions): Promise<TemporalServer> {
  const command = await ensure('temporal');
  await mkdir(options.directory, { recursive: true });
  const port = options.port ?? (await freePort());
  const uiPort = options.ui === true ? (options.uiPort ?? (await freePort())) : undefined;
  const address = `127.0.0.1:${port}`;
  const logFile = path.join(options.directory, 'temporal.log');
  const flags = [
    ...['--ip', '127.0.0.1', '--port', String(port), '--log-level', 'warn'],
    ...(uiPort === undefined ? ['--headless'] : ['--ui-port', String(uiPort)]),
    ...(options.namespaces ?? []).flatMap((name) => ['--namespace', name]),
    ...DYNAMIC_CONFIG.flatMap((value) => ['--dynamic-config-value', value]),
    ...Object.entries(searchAttributes).flatMap(([name, type]) => ['--search-attribute', `${name}=${type}`]),
    ...(options.dbFile === undefined
      ? []
      : [
          ...['--db-filename', options.dbFile],
          ...SQLITE_PRAGMAS.flatMap((pragma) => ['--sqlite-pragma', pragma]),
        ]),
  ];
  // A user's own CLI profile must not lead our commands to another server.
  const env = { TEMPORAL_CONFIG_FILE: '/dev/null' };
  const launch = async () =>
    await startServer({
      name: `the Temporal dev server on port ${port}`,
      command,
      args: ['server', 'start-dev', ...flags],
      env,
      logFile,
      ready: async () => {
        const list = ['operator', 'search-attribute', 'list', '--address', address];
        const { stdout } = await run(command, list, { env, timeoutMs: 5_000 });
        return Object.keys(searchAttributes).every((name) => stdout.includes(name));
      },
    });
  let server: ServerProcess = await launch();
  const start = async () => {
    if (!server.isRunning) server = await launch();
  };

  return {
    address,
    uiUrl: uiPort === undefined ? undefined : `http://127.0.0.1:${uiPort}`,
    namespace: 'default',
    logFile,
    get pid() {
      return server.pid;
    },
    get isRunning() {
      return server.isRunning;
    },
    stop: async () => {
      await server.stop();
    },
    kill: async () => {
      await server.kill();
    },
    start,
    restart: async () => {
      await server.kill();
      await start();
    },
  };
}
