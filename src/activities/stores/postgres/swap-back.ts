/** Undoes a swap: the kept database comes back into use, and the replacement is put aside again. One transaction. */
import { failure } from '../../failures.ts';
import type { Observation } from '../../mutation.ts';
import type { SwapRequest, Swapped, Work } from '../contract.ts';
import { runKey } from '../run-key.ts';
import { type Client, openClient } from './client.ts';
import { endSessions, notOurs } from './drop.ts';
import { commentOn, type Database, listDatabases, type MarkOf, stamped } from './marks.ts';
import { identifier } from './quote.ts';
import { nothingKept, reopen } from './swap.ts';

type Request = SwapRequest & { swapped: Swapped | null };

export const swapBack = {
  async observe(request: Request, work: Work): Promise<Observation<{ restored: boolean }>> {
    const client = await openClient(request, work.call.key);
    const databases = await listDatabases(client, work.signal);
    const live = databases.get(client.spec.database);
    const swapped = swappedIn(live, request, work);
    if (!swapped && live && live.mark?.state !== 'closing') return { done: { restored: true } };
    if (!swapped && !live)
      return { done: { restored: (request.swapped?.keptAs ?? nothingKept) === nothingKept } };
    const statements =
      live && swapped
        ? undoing(client, databases, request, swapped)
        : ['ALTER DATABASE … ALLOW_CONNECTIONS true;'];
    return {
      todo: [client.shownSql(client.maintenance, statements.join(' '))],
      foreseen: { restored: true },
    };
  },

  async act(request: Request, work: Work): Promise<{ restored: boolean }> {
    const client = await openClient(request, work.call.key);
    const databases = await listDatabases(client, work.signal);
    const live = databases.get(client.spec.database);
    if (!live) return { restored: false };
    const swapped = swappedIn(live, request, work);
    if (!swapped) {
      // The swap was begun and never came to the rename.
      await reopen(client, live);
      return { restored: true };
    }
    const statements = undoing(client, databases, request, swapped);
    const close = `ALTER DATABASE ${identifier(live.name)} ALLOW_CONNECTIONS false;`;
    const open = `ALTER DATABASE ${identifier(live.name)} ALLOW_CONNECTIONS true;`;
    await client.psql(client.maintenance, close, work.signal);
    try {
      await endSessions(client, live.name, work.signal);
      await client.psql(client.maintenance, statements.join('\n'), work.signal);
    } catch (error) {
      await client.psql(client.maintenance, open, AbortSignal.timeout(60_000));
      throw error;
    }
    return { restored: true };
  },
};

/** The mark of the live database, if it is the one that this swap put there. */
function swappedIn(live: Database | undefined, request: Request, work: Work): MarkOf<'live'> | undefined {
  const mark = live?.mark;
  if (mark?.state !== 'live' || mark.backupId !== request.replacement.backupId) return undefined;
  const ours = request.swapped
    ? (mark.keptAs ?? nothingKept) === request.swapped.keptAs
    : runKey(mark.key) === runKey(work.call.key);
  return ours ? mark : undefined;
}

function undoing(
  client: Client,
  databases: Map<string, Database>,
  request: Request,
  swapped: MarkOf<'live'>,
): string[] {
  const { database } = client.spec;
  const { name } = request.replacement;
  const { keptAs } = swapped;
  if (databases.has(name))
    throw notOurs(client, name, 'the replacement cannot be put aside under its name, which is taken');
  const { key, backupId, takenAt, tookMs, comment } = swapped;
  const aside = stamped({
    state: 'loaded',
    key,
    database,
    backupId,
    takenAt,
    target: name,
    comment,
    ...(tookMs === undefined ? {} : { tookMs }),
  });
  const statements = [
    'BEGIN;',
    `ALTER DATABASE ${identifier(database)} RENAME TO ${identifier(name)};`,
    `ALTER DATABASE ${identifier(name)} ALLOW_CONNECTIONS true;`,
    commentOn(name, aside),
  ];
  if (keptAs !== null) {
    const kept = databases.get(keptAs);
    if (!kept) {
      throw failure('CommandFailed', {
        what: `There is no database ${keptAs} on ${client.title} any more: the restored one stays in use.`,
        hint: 'Whoever removed it has the only older data. To go back further, restore an older backup.',
        retryable: false,
      });
    }
    if (kept.mark?.state !== 'kept') throw notOurs(client, keptAs, 'it bears no mark that says we kept it');
    statements.push(
      `ALTER DATABASE ${identifier(keptAs)} RENAME TO ${identifier(database)};`,
      `ALTER DATABASE ${identifier(database)} ALLOW_CONNECTIONS true;`,
      commentOn(database, kept.mark.comment),
    );
  }
  return [...statements, 'COMMIT;'];
}
