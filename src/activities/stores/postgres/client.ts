/**
 * How a PostgreSQL server is spoken to: through its own programs, as argument vectors, so that the same works through
 * `kubectl exec`. The connection is given by environment alone: no name and no password is ever read as an option or as a
 * connection string.
 */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { type Command, CommandError, findProgram, render, run, start } from '../../../exec/index.ts';
import type { PostgresStore } from '../../../inventory/schema/store.ts';
import { failure } from '../../failures.ts';
import { resolveSecret } from '../../secrets.ts';
import type { StoreRequest } from '../contract.ts';
import { explain } from './errors.ts';
import { applicationName } from './names.ts';
import { connectionTo } from './quote.ts';
import { Session } from './session.ts';

/** Read by nobody's start-up file, one value a line, and no statement after a failed one. */
const psqlOptions = ['-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '--no-password'] as const;

/**
 * Settings every session of ours starts with. An empty search_path: as superuser, a name must never find an object that
 * somebody planted. The output settings make text the same on every server.
 */
const baseSettings: Readonly<Record<string, string>> = {
  search_path: '',
  statement_timeout: '0',
  idle_in_transaction_session_timeout: '0',
  row_security: 'off',
  DateStyle: 'ISO,YMD',
  IntervalStyle: 'postgres',
  TimeZone: 'UTC',
  bytea_output: 'hex',
  extra_float_digits: '1',
  client_min_messages: 'error',
};

/** Longer than any answer that is not a table's data. */
const answerBytes = 64 * 1024 * 1024;

export interface PsqlOptions {
  /** Milliseconds until the command is ended; default ten minutes. */
  timeoutMs?: number;
  settings?: Readonly<Record<string, string>>;
  /** The server's major version, where the program should be of the same. */
  major?: number;
}

export class Client {
  readonly spec: PostgresStore;
  readonly maintenance: string;
  readonly #request: StoreRequest;
  readonly #password: string | undefined;
  readonly #application: string;

  constructor(request: StoreRequest, spec: PostgresStore, password: string | undefined, key: string) {
    this.#request = request;
    this.spec = spec;
    this.maintenance = spec.maintenanceDatabase;
    this.#password = password;
    this.#application = applicationName(key);
  }

  /** For sentences: which server of which system is meant. */
  get title(): string {
    return `${this.#request.store} of ${this.#request.system}`;
  }

  /** What our sessions are called in `pg_stat_activity`. */
  get application(): string {
    return this.#application;
  }

  get secrets(): readonly string[] {
    return this.#password === undefined ? [] : [this.#password];
  }

  psqlCommand(database: string, sql: string | undefined, options: PsqlOptions = {}): Command {
    return {
      argv: [program('psql'), ...psqlOptions],
      environment: this.#environment(database, options.settings),
      secrets: this.secrets,
      timeoutMs: options.timeoutMs ?? 600_000,
      keepBytes: answerBytes,
      ...(sql === undefined ? {} : { stdin: sql }),
    };
  }

  /** Runs SQL in a session of its own; answers what it printed. A failure names the store and says what to do. */
  async psql(database: string, sql: string, signal: AbortSignal, options: PsqlOptions = {}): Promise<string> {
    try {
      const { stdout } = await run(this.psqlCommand(database, sql, options), signal);
      return stdout;
    } catch (error) {
      throw this.explained(error, `Database ${database}, ${this.title}: a query failed`);
    }
  }

  /** The one JSON value that a query answers. */
  async json<Answer>(
    database: string,
    sql: string,
    signal: AbortSignal,
    options: PsqlOptions = {},
  ): Promise<Answer> {
    return JSON.parse(await this.psql(database, `${sql};`, signal, options)) as Answer;
  }

  /** A session that stays open; the caller closes it. */
  session(database: string, signal: AbortSignal, options: PsqlOptions = {}): Session {
    const day = 86_400_000;
    const command = this.psqlCommand(database, undefined, { timeoutMs: day, ...options });
    return new Session(start(command, signal, { stdin: 'pipe', stdout: 'pipe' }), (error) =>
      this.explained(error, `Database ${database}, ${this.title}: the session was lost`),
    );
  }

  /** One of pg_dump, pg_restore, …: `database` becomes its connection, `args` must not name another. */
  tool(name: string, args: readonly string[], database: string, options: PsqlOptions = {}): Command {
    return {
      argv: [program(name, options.major), '--no-password', ...args],
      environment: this.#environment(database, options.settings),
      secrets: this.secrets,
      timeoutMs: options.timeoutMs ?? 24 * 3_600_000,
    };
  }

  /** How a statement is shown to an approver. */
  shownSql(database: string, sql: string): string {
    return `${render(['psql', '--dbname', connectionTo(database), '--command', sql], this.secrets)}`;
  }

  explained(error: unknown, what: string): unknown {
    return error instanceof CommandError ? explain(error, what) : error;
  }

  #environment(database: string, settings: Readonly<Record<string, string>> = {}): Record<string, string> {
    const { host, port, user } = this.spec;
    return {
      PGHOST: host,
      PGPORT: String(port),
      PGUSER: user,
      PGDATABASE: database,
      PGAPPNAME: this.#application,
      PGCONNECT_TIMEOUT: '10',
      PGCLIENTENCODING: 'UTF8',
      PGOPTIONS: pgOptions({ ...baseSettings, ...settings }),
      // The worker's own password file and service file say nothing about this server.
      PGPASSFILE: '/dev/null',
      PGSERVICEFILE: '/dev/null',
      ...(this.#password === undefined ? {} : { PGPASSWORD: this.#password }),
    };
  }
}

/** The client of a PostgreSQL store, its password resolved. `key` tells our sessions of different steps apart. */
export async function openClient(request: StoreRequest, key: string): Promise<Client> {
  const { spec } = request;
  if (spec.type !== 'postgres') throw new TypeError(`${request.store} is not a PostgreSQL store`);
  const password = spec.password === undefined ? undefined : await resolveSecret(spec.password);
  return new Client(request, spec, password, key);
}

/** `-c name=value` for each setting; spaces and backslashes escaped as the server's option parser wants them. */
function pgOptions(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([name, value]) => `-c ${name}=${value.replaceAll(/[\\\s]/g, String.raw`\$&`)}`)
    .join(' ');
}

const debianDirectory = '/usr/lib/postgresql';

/**
 * A program of PostgreSQL. In Debian's versioned directories: the one of the server's major if given and there (a newer
 * pg_restore sends settings that an older server does not know), else the newest. Otherwise the one on PATH.
 */
export function program(name: string, major?: number): string {
  const versions = installedVersions();
  const preferred = versions.filter((version) => Number(version) === major);
  for (const version of [...preferred, ...versions]) {
    const found = findProgram(path.join(debianDirectory, version, 'bin', name));
    if (found !== undefined) return found;
  }
  const onPath = findProgram(name);
  if (onPath !== undefined) return onPath;
  throw failure('ConfigurationError', {
    what: `There is no ${name} on this worker: neither on PATH nor under ${debianDirectory}.`,
    hint: "Install PostgreSQL's client programs of the server's major version, or a newer one, on the worker.",
    retryable: false,
  });
}

function installedVersions(): string[] {
  try {
    return readdirSync(debianDirectory)
      .filter((entry) => /^\d+$/.test(entry))
      .sort((a, b) => Number(b) - Number(a));
  } catch {
    return [];
  }
}
