/** Asks PostgreSQL: does it accept connections, and does it answer a query. Never by a connection string. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { findProgram, run } from '../../../exec/index.ts';
import type { PostgresStore } from '../../../inventory/schema/store.ts';
import { resolveSecret } from '../../secrets.ts';
import { type Verdict, answerWithinMs, unhealthy, unreachable } from './contract.ts';

export async function checkPostgres(store: PostgresStore, signal: AbortSignal): Promise<Verdict> {
  const password = store.password === undefined ? undefined : await resolveSecret(store.password);
  const environment = {
    PGHOST: store.host,
    PGPORT: String(store.port),
    PGUSER: store.user,
    PGDATABASE: store.database,
    PGCONNECT_TIMEOUT: '5',
    PGAPPNAME: 'durable-runbooks',
    ...(password === undefined ? {} : { PGPASSWORD: password }),
  };
  const secrets = password === undefined ? [] : [password];
  const ready = await run(
    {
      argv: [clientProgram('pg_isready'), '-t', '5'],
      environment,
      secrets,
      timeoutMs: answerWithinMs + 1000,
      accept: [0, 1, 2, 3],
    },
    signal,
  );
  const said = ready.stdout.trim() || ready.stderr.trim();
  // 1: it answers, but is starting, stopping or recovering. 2: no answer. 3: the question itself was wrong.
  if (ready.exitCode === 2) return unreachable(said);
  if (ready.exitCode !== 0) return unhealthy(said);
  const answer = await run(
    {
      argv: [clientProgram('psql'), '-X', '-w', '-A', '-t', '-q', '-c', 'SELECT 1'],
      environment,
      secrets,
      timeoutMs: answerWithinMs + 1000,
      accept: [0, 1, 2, 3],
    },
    signal,
  );
  if (answer.exitCode === 0 && answer.stdout.trim() === '1') {
    return { healthy: true, status: 'healthy', detail: 'accepting connections' };
  }
  return unhealthy(`accepting connections, but SELECT 1 failed: ${answer.stderr.trim().slice(0, 500)}`);
}

const debianDirectory = '/usr/lib/postgresql';

/** On the PATH, else the newest of those that Debian installs side by side. */
function clientProgram(name: string): string {
  if (findProgram(name) !== undefined) return name;
  const versions = readVersions().map((version) => path.join(debianDirectory, version, 'bin', name));
  return versions.find((file) => findProgram(file) !== undefined) ?? name;
}

function readVersions(): string[] {
  try {
    return readdirSync(debianDirectory).sort((a, b) => Number(b) - Number(a));
  } catch {
    return [];
  }
}
