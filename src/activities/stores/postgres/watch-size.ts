/** Tells how large a database has grown while it is loaded. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Work } from '../contract.ts';
import type { Client } from './client.ts';
import { literal } from './quote.ts';

const intervalMs = 2000;

export function watchSize(
  client: Client,
  database: string,
  expected: number,
  work: Work,
): { stop(): Promise<void> } {
  const ended = new AbortController();
  const signal = AbortSignal.any([work.signal, ended.signal]);
  const note = `Loading ${database}`;
  work.progress({ note });
  const watching = (async () => {
    while (!signal.aborted) {
      await sleep(intervalMs, undefined, { signal });
      const done = Number(
        await client.psql(client.maintenance, `SELECT pg_database_size(${literal(database)});`, signal),
      );
      work.progress({ note, done, unit: 'bytes', ...(expected > 0 ? { total: expected } : {}) });
    }
  })().catch(() => undefined); // A look that fails says nothing: what matters is told by pg_restore.
  return {
    stop: async () => {
      ended.abort();
      await watching;
    },
  };
}
