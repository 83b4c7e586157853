/** Removes what restores left and nobody uses: a replacement that is not wanted, and replaced data whose time is over. */
import type { Observation } from '../../mutation.ts';
import type { StoreRequest, SwapRequest, Work } from '../contract.ts';
import { runKey } from '../run-key.ts';
import { type Client, openClient } from './client.ts';
import { dropOurs, dropStatements, notOurs } from './drop.ts';
import { type Database, listDatabases } from './marks.ts';
import { reopen } from './swap.ts';

export const discard = {
  async observe(request: SwapRequest, work: Work): Promise<Observation<{ removed: boolean }>> {
    const { client, unwanted, closed } = await look(request, work);
    if (unwanted.length === 0 && !closed) return { done: { removed: false } };
    const todo = unwanted
      .flatMap(({ name }) => dropStatements(name))
      .map((sql) => client.shownSql(client.maintenance, sql));
    return { todo, foreseen: { removed: true } };
  },

  async act(request: SwapRequest, work: Work): Promise<{ removed: boolean }> {
    const { client, unwanted, closed } = await look(request, work);
    if (closed) await reopen(client, closed);
    let removed = false;
    for (const database of unwanted) removed = (await dropOurs(client, database, work.signal)) || removed;
    return { removed };
  },
};

export const purgeKept = {
  async observe(request: StoreRequest, work: Work): Promise<Observation<{ removed: string[] }>> {
    const client = await openClient(request, work.call.key);
    const expired = await expiredOf(client, work.signal);
    if (expired.length === 0) return { done: { removed: [] } };
    const todo = expired
      .flatMap(({ name }) => dropStatements(name))
      .map((sql) => client.shownSql(client.maintenance, sql));
    return { todo, foreseen: { removed: expired.map(({ name }) => name) } };
  },

  async act(request: StoreRequest, work: Work): Promise<{ removed: string[] }> {
    const client = await openClient(request, work.call.key);
    const removed: string[] = [];
    for (const database of await expiredOf(client, work.signal)) {
      if (await dropOurs(client, database, work.signal)) removed.push(database.name);
    }
    return { removed };
  },
};

/**
 * The replacement and unfinished copies of it; and the live database, if a swap that never came about left it closed.
 * Asked with an empty name, after a restore that did not get as far as to have one, what this run made is meant.
 */
async function look(request: SwapRequest, work: Work) {
  const client = await openClient(request, work.call.key);
  const databases = await listDatabases(client, work.signal);
  const { name } = request.replacement;
  const { database } = client.spec;
  const there = databases.get(name);
  const isOurs = ({ mark }: Database) =>
    (mark?.state === 'loading' || mark?.state === 'loaded') &&
    mark.database === database &&
    (name === '' ? runKey(mark.key) === runKey(work.call.key) : mark.target === name);
  if (there && !isOurs(there))
    throw notOurs(client, name, 'it bears no mark that says it is a restored copy');
  const live = databases.get(database);
  return {
    client,
    unwanted: [...databases.values()].filter(isOurs),
    closed: live?.mark?.state === 'closing' ? live : undefined,
  };
}

/** By the clock that wrote the time: a worker's. None while there is no live database: it may be all there is. */
async function expiredOf(client: Client, signal: AbortSignal): Promise<Database[]> {
  const now = Date.now();
  const databases = await listDatabases(client, signal);
  if (!databases.has(client.spec.database)) return [];
  return [...databases.values()].filter(
    ({ mark }) =>
      mark?.state === 'kept' && mark.database === client.spec.database && Date.parse(mark.until) <= now,
  );
}
