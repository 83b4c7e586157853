/** Rebuilds damaged indexes, each in a transaction of its own, and checks each afterwards against its table. */
import { failure } from '../../failures.ts';
import type { Observation } from '../../mutation.ts';
import type { StoreRequest, Work } from '../contract.ts';
import { type Client, openClient } from './client.ts';
import { checkSettings } from './damage/checks.ts';
import { extensionSchema } from './damage/relations.ts';
import { literal } from './quote.ts';
import type { SqlError } from './session.ts';
import { askedOf } from './tables.ts';

type Request = StoreRequest & { indexes: string[] };

interface Index {
  oid: number;
  /** Qualified and quoted by the server itself. */
  name: string;
  method: string;
}

export const rebuildIndexes = {
  async observe(request: Request, work: Work): Promise<Observation<{ rebuilt: string[] }>> {
    const client = await openClient(request, work.call.key);
    const damaged = await damagedOf(client, request.indexes, work.signal);
    if (damaged.length === 0) return { done: { rebuilt: [] } };
    const todo = damaged.map(({ name }) => client.shownSql(client.spec.database, `REINDEX INDEX ${name};`));
    return { todo, foreseen: { rebuilt: damaged.map(({ name }) => name) } };
  },

  async act(request: Request, work: Work): Promise<{ rebuilt: string[] }> {
    const client = await openClient(request, work.call.key);
    const damaged = await damagedOf(client, request.indexes, work.signal);
    const amcheck = await extensionSchema(askedOf(client, client.spec.database, work.signal), 'amcheck');
    const rebuilt: string[] = [];
    const session = client.session(client.spec.database, work.signal, {
      settings: { lock_timeout: '60000' },
    });
    try {
      for (const index of damaged) {
        work.progress({
          note: `Rebuilding ${index.name}`,
          done: rebuilt.length,
          total: damaged.length,
          unit: 'items',
        });
        const { error } = await session.try(`REINDEX INDEX ${index.name}`);
        if (error) throw cannotBeCured(client, index, error);
        if (amcheck !== null && index.method === 'btree') {
          const after = await session.try(checkOf(index, amcheck));
          if (after.error) throw cannotBeCured(client, index, after.error);
        }
        rebuilt.push(index.name);
      }
    } finally {
      await session.close();
    }
    return { rebuilt };
  },
};

/** Of those asked for, all that are not proven to be whole: what cannot be checked is rebuilt. */
async function damagedOf(client: Client, names: readonly string[], signal: AbortSignal): Promise<Index[]> {
  const asked = askedOf(client, client.spec.database, signal);
  const indexes = await Promise.all(names.map(async (name) => await resolve(client, name, signal)));
  const amcheck = await extensionSchema(asked, 'amcheck');
  const damaged: Index[] = [];
  const session = client.session(client.spec.database, signal, { settings: checkSettings });
  try {
    for (const index of indexes) {
      const whole =
        amcheck !== null && index.method === 'btree' && !(await session.try(checkOf(index, amcheck))).error;
      if (!whole) damaged.push(index);
    }
  } finally {
    await session.close();
  }
  return damaged;
}

/** The index of a name, which is looked up as a value: what is not an index's name goes no further. */
async function resolve(client: Client, name: string, signal: AbortSignal): Promise<Index> {
  const found = await client.json<Index | null>(
    client.spec.database,
    `SELECT coalesce((SELECT json_build_object('oid', c.oid::bigint, 'name', format('%I.%I', n.nspname, c.relname), 'method', m.amname)
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_am m ON m.oid = c.relam
       WHERE c.oid = to_regclass(${literal(name)}) AND c.relkind = 'i'), 'null')`,
    signal,
  );
  if (found) return found;
  throw failure('InvalidInput', {
    what: `There is no index ${name} in database ${client.spec.database} of ${client.title}.`,
    hint: 'Name indexes with their schema, as the damage report does.',
    retryable: false,
  });
}

function checkOf(index: Index, amcheck: string): string {
  return `SELECT ${amcheck}.bt_index_check(${index.oid}::oid::regclass, true)`;
}

function cannotBeCured(client: Client, index: Index, error: SqlError) {
  const { sqlState, message } = error;
  const why: Record<string, string> = {
    '23505':
      'While the index was damaged, rows came in that it should have refused: the table itself is wrong now.',
    XX001: 'The table beneath the index cannot be read.',
  };
  const hopeless = sqlState in why || /invalid page|could not read block/.test(message);
  return failure('CommandFailed', {
    what: `Index ${index.name} of database ${client.spec.database}, ${client.title}, could not be rebuilt. ${why[sqlState] ?? ''}`.trim(),
    command: client.shownSql(client.spec.database, `REINDEX INDEX ${index.name};`),
    lastLines: `${message} (${sqlState})`,
    hint: hopeless
      ? 'A reindex cannot cure this: restore a backup.'
      : 'The index is as it was. See the message; then try the step again, or restore a backup.',
    retryable: !hopeless,
  });
}
