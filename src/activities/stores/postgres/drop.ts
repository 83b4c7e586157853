/** Removes a database of ours, together with whatever still writes into it: also the pg_restore of a worker that was killed. */
import { setTimeout as sleep } from 'node:timers/promises';
import { failure } from '../../failures.ts';
import type { Client } from './client.ts';
import { type Database, listDatabases } from './marks.ts';
import { identifier, literal } from './quote.ts';

/** How long sessions are asked to end before it is said that they do not. */
const patienceMs = 30_000;

/** The statements, for an approver. */
export function dropStatements(name: string): string[] {
  return [
    `ALTER DATABASE ${identifier(name)} ALLOW_CONNECTIONS false;`,
    `DROP DATABASE ${identifier(name)};`,
  ];
}

/**
 * Drops it if it still is the database that was seen: same number, and a mark of ours that says it is not in use. Answers
 * false when it is gone already.
 */
export async function dropOurs(client: Client, seen: Database, signal: AbortSignal): Promise<boolean> {
  const now = [...(await listDatabases(client, signal)).values()].find(({ oid }) => oid === seen.oid);
  if (!now) return false;
  if (!now.mark || now.mark.state === 'live' || now.mark.state === 'closing') {
    throw notOurs(client, now.name, 'it is not marked as ours to remove');
  }
  const [close = '', drop = ''] = dropStatements(now.name);
  await client.psql(client.maintenance, close, signal);
  await endSessions(client, now.name, signal);
  await client.psql(client.maintenance, drop, signal);
  return true;
}

/** Ends every session in a database. New ones must be shut out beforehand. */
export async function endSessions(client: Client, database: string, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + patienceMs;
  const ask = `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = ${literal(database)} AND pid <> pg_backend_pid();`;
  for (;;) {
    const left = Number(await client.psql(client.maintenance, ask, signal));
    if (left === 0) return;
    if (performance.now() > deadline) {
      throw failure('NotReady', {
        what: `${left} sessions in database ${database} of ${client.title} do not end, although they were told to.`,
        hint: `See who they are: SELECT pid, application_name, state, query FROM pg_stat_activity WHERE datname = ${literal(database)};`,
      });
    }
    await sleep(100, undefined, { signal });
  }
}

export function notOurs(client: Client, database: string, why: string) {
  return failure('NotOurs', {
    what: `Database ${database} of ${client.title} is left alone: ${why}.`,
    hint: 'Look at its comment (\\l+) and find out whose it is. Rename or drop it yourself if it is in the way; then try the step again.',
    retryable: false,
  });
}
