/** A private Redis server on loopback. */
import { mkdir } from 'node:fs/promises';
import { connect } from 'node:net';
import path from 'node:path';

import { freePort } from '../lib/ports.ts';
import { type ServerProcess, startServer } from '../lib/processes.ts';
import { run } from '../lib/run.ts';
import { ensure } from '../setup.ts';

export interface RedisOptions {
  /** Holds dump.rdb, appendonlydir and the log; made if missing. */
  readonly directory: string;
  readonly port?: number;
  /** Keep an append-only file; with it a lone dump.rdb is ignored at start. Default false. */
  readonly appendonly?: boolean;
  readonly password?: string;
  /** Further settings, as in redis.conf. */
  readonly config?: Readonly<Record<string, string>>;
}

export interface RedisServer {
  readonly host: '127.0.0.1';
  readonly port: number;
  readonly password: string | undefined;
  readonly directory: string;
  readonly logFile: string;
  readonly pid: number;
  readonly isRunning: boolean;
  /** One command through redis-cli; what it prints, without the last newline. */
  cli(...command: string[]): Promise<string>;
  stop(): Promise<void>;
  /** `kill -9`: what was not saved is lost. */
  kill(): Promise<void>;
  /** Starts it again after `stop` or `kill`, on the same port. */
  start(): Promise<void>;
}

/** Starts Redis; resolves when it answers PING. It saves to disk only when told, unless `config.save` says otherwise. */
export async function startRedis(options: RedisOptions): Promise<RedisServer> {
  const command = await ensure('redis');
  await mkdir(options.directory, { recursive: true });
  const port = options.port ?? (await freePort());
  const { password } = options;
  const logFile = path.join(options.directory, 'redis.log');
  const settings: Record<string, string> = {
    bind: '127.0.0.1',
    port: String(port),
    dir: options.directory,
    appendonly: options.appendonly === true ? 'yes' : 'no',
    save: '',
    daemonize: 'no',
    ...(password === undefined ? {} : { requirepass: password }),
    ...options.config,
  };
  const launch = async () =>
    await startServer({
      name: `Redis on port ${port}`,
      command,
      args: Object.entries(settings).flatMap(([key, value]) => [`--${key}`, value]),
      cwd: options.directory,
      logFile,
      ready: async () => await answersPing(port),
    });
  let server: ServerProcess = await launch();

  return {
    host: '127.0.0.1',
    port,
    password,
    directory: options.directory,
    logFile,
    get pid() {
      return server.pid;
    },
    get isRunning() {
      return server.isRunning;
    },
    cli: async (...words) => {
      const { stdout } = await run('redis-cli', ['-e', '-h', '127.0.0.1', '-p', String(port), ...words], {
        env: { REDISCLI_AUTH: password },
      });
      return stdout.replace(/\n$/, '');
    },
    stop: async () => {
      await server.stop();
    },
    kill: async () => {
      await server.kill();
    },
    start: async () => {
      if (!server.isRunning) server = await launch();
    },
  };
}

/** Whether the server is done loading: it says PONG then, or that it wants a password. */
async function answersPing(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
    const done = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(1_000, () => {
      done(false);
    });
    socket.once('error', () => {
      done(false);
    });
    socket.once('data', (data) => {
      done(/^(\+PONG|-NOAUTH)/.test(data.toString()));
    });
  });
}
