/**
 * Swaps a restored database in by rename, in one transaction on the maintenance database: at no moment is there none of the
 * name, and a crash leaves either the one or the other in use. The marks tell afterwards which.
 */
import { milliseconds } from '../../../inventory/duration.ts';
import { failure } from '../../failures.ts';
import type { Observation } from '../../mutation.ts';
import type { SwapRequest, Swapped, Work } from '../contract.ts';
import { type Client, openClient } from './client.ts';
import { endSessions, notOurs } from './drop.ts';
import { commentOn, type Database, listDatabases, type MarkOf, ownComment, stamped } from './marks.ts';
import { replacedName } from './names.ts';
import { identifier } from './quote.ts';

/** `keptAs` when there was nothing to keep. */
export const nothingKept = '';

export const swap = {
  async observe(request: SwapRequest, work: Work): Promise<Observation<Swapped>> {
    const client = await openClient(request, work.call.key);
    const databases = await listDatabases(client, work.signal);
    const live = databases.get(client.spec.database);
    if (live?.mark?.state === 'live' && live.mark.key === work.call.key) {
      // A crash between the rename and its answer.
      return { done: { keptAs: live.mark.keptAs ?? nothingKept, until: live.mark.until } };
    }
    const plan = planSwap(client, databases, request, work);
    const shown = (sql: string) => client.shownSql(client.maintenance, sql);
    return {
      todo: [...(live ? [shown(closing(live, work.call.key))] : []), shown(plan.statements.join(' '))],
      foreseen: plan.result,
    };
  },

  async act(request: SwapRequest, work: Work): Promise<Swapped> {
    const client = await openClient(request, work.call.key);
    const databases = await listDatabases(client, work.signal);
    const plan = planSwap(client, databases, request, work);
    const live = databases.get(client.spec.database);
    if (live) await client.psql(client.maintenance, closing(live, work.call.key), work.signal);
    try {
      // Nobody should be in the replacement, but somebody may have had a look.
      await endSessions(client, request.replacement.name, work.signal);
      if (live) await endSessions(client, live.name, work.signal);
      await client.psql(client.maintenance, plan.statements.join('\n'), work.signal);
    } catch (error) {
      if (live) await reopen(client, live);
      throw error;
    }
    return plan.result;
  },
};

/** Closed to new sessions, and marked so that whoever comes after a crash knows who closed it. */
function closing(live: Database, key: string): string {
  const mark = stamped({ state: 'closing', key, database: live.name, comment: ownComment(live) });
  return `BEGIN; ${commentOn(live.name, mark)} ALTER DATABASE ${identifier(live.name)} ALLOW_CONNECTIONS false; COMMIT;`;
}

/** Opens a database that a swap has closed and not swapped. Not cancellable: users wait. */
export async function reopen(client: Client, live: Database): Promise<void> {
  const now = (await listDatabases(client, AbortSignal.timeout(60_000))).get(live.name);
  if (now?.oid !== live.oid || now.mark?.state !== 'closing') return;
  const open = `BEGIN; ${commentOn(live.name, now.mark.comment)} ALTER DATABASE ${identifier(live.name)} ALLOW_CONNECTIONS true; COMMIT;`;
  await client.psql(client.maintenance, open, AbortSignal.timeout(60_000));
}

function planSwap(client: Client, databases: Map<string, Database>, request: SwapRequest, work: Work) {
  const { database, keepReplaced } = client.spec;
  const name = request.replacement.name;
  // In a plan the restore has not happened.
  const mark = work.call.plan ? foreseenMark(request, database) : loadedMark(client, databases, request);
  const live = databases.get(database);
  const now = new Date();
  const until = new Date(now.getTime() + milliseconds(keepReplaced)).toISOString();
  const keptAs = live ? freeName(databases, database, now) : null;
  const facts = { key: work.call.key, database, until };
  const comment = live ? ownComment(live) : mark.comment;
  const { backupId, takenAt, tookMs } = mark;
  const inUse = stamped({
    ...facts,
    state: 'live',
    backupId,
    takenAt,
    keptAs,
    comment,
    ...(tookMs === undefined ? {} : { tookMs }),
  });
  const statements = ['BEGIN;'];
  if (live && keptAs !== null) {
    statements.push(
      `ALTER DATABASE ${identifier(database)} RENAME TO ${identifier(keptAs)};`,
      `ALTER DATABASE ${identifier(keptAs)} ALLOW_CONNECTIONS false;`,
      commentOn(keptAs, stamped({ ...facts, state: 'kept', comment })),
    );
  }
  statements.push(
    `ALTER DATABASE ${identifier(name)} RENAME TO ${identifier(database)};`,
    `ALTER DATABASE ${identifier(database)} ALLOW_CONNECTIONS true;`,
    commentOn(database, inUse),
    'COMMIT;',
  );
  return { statements, result: { keptAs: keptAs ?? nothingKept, until } };
}

function foreseenMark({ replacement }: SwapRequest, database: string): Omit<MarkOf<'loaded'>, 'product'> {
  const { name, backupId, takenAt, tookMs } = replacement;
  return { state: 'loaded', key: '', database, target: name, backupId, takenAt, tookMs, comment: null };
}

function loadedMark(
  client: Client,
  databases: Map<string, Database>,
  request: SwapRequest,
): MarkOf<'loaded'> {
  const { name, backupId } = request.replacement;
  const found = databases.get(name);
  if (!found) {
    throw failure('CommandFailed', {
      what: `There is no database ${name} on ${client.title} to swap in. The live database was not touched.`,
      hint: 'Run the restore again.',
      retryable: false,
    });
  }
  const { mark } = found;
  if (mark?.state !== 'loaded' || mark.database !== client.spec.database || mark.backupId !== backupId) {
    throw notOurs(client, name, `it is not a completely loaded copy of backup ${backupId}`);
  }
  return mark;
}

function freeName(databases: Map<string, Database>, database: string, from: Date): string {
  for (let at = from; ; at = new Date(at.getTime() + 1000)) {
    const name = replacedName(database, at);
    if (!databases.has(name)) return name;
  }
}
