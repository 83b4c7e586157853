/**
 * Restores beside the live database: fetches and verifies the dump, loads it into a database of a name of its own, and gives
 * it the name of a replacement when it is complete. The live database is not touched.
 */
import { renderChain, run } from '../../../exec/index.ts';
import { keys } from '../../backups/manifest.ts';
import type { Observation } from '../../mutation.ts';
import type { Replacement, RestoreRequest, Work } from '../contract.ts';
import { spoolName } from '../scratch.ts';
import { fetchVerified } from '../transfer.ts';
import { type Client, openClient } from './client.ts';
import { dropOurs, dropStatements, notOurs } from './drop.ts';
import { commentOn, type Database, listDatabases, type MarkOf, stamped } from './marks.ts';
import { drillName, isLoadingName, loadingName, restoringName } from './names.ts';
import { createStatement, likenessStatements, type Properties, readProperties } from './properties.ts';
import { connectionTo, identifier } from './quote.ts';
import { askServer, type Server } from './server.ts';
import { openSource, readContents, type Source } from './source.ts';
import { watchSize } from './watch-size.ts';

export const restoreBeside = {
  async observe(request: RestoreRequest, work: Work): Promise<Observation<Replacement>> {
    const source = await openSource(request, work.signal);
    const client = await openClient(request, work.call.key);
    const target = targetName(request, work);
    const databases = await listDatabases(client, work.signal);
    const there = databases.get(target);
    if (there && !there.mark)
      throw notOurs(client, target, 'it bears no mark of ours, and a restore would need its name');
    const mark = there?.mark;
    if (mark?.state === 'loaded' && mark.key === work.call.key && mark.backupId === request.backupId) {
      return {
        done: { name: target, backupId: mark.backupId, takenAt: mark.takenAt, tookMs: mark.tookMs ?? 0 },
      };
    }
    const server = await askServer(client, work.signal);
    const name = loadingName(client.spec.database, work.call.key, 'shown');
    const properties = await likeness(client, request, source, work);
    const load = loadCommand(client, name, request, server, '<verified dump>');
    const shown = (sql: string) => client.shownSql(client.maintenance, sql);
    return {
      todo: [
        ...[...leftovers(databases, client, target), ...unmarked(databases, client, work.call.key)].flatMap(
          (database) => dropStatements(database.name).map(shown),
        ),
        shown(createStatement(name, properties, server.major)),
        renderChain([load.argv], client.secrets),
        shown(`ALTER DATABASE ${identifier(name)} RENAME TO ${identifier(target)};`),
      ],
      foreseen: { name: target, backupId: request.backupId, takenAt: source.component.takenAt, tookMs: 0 },
    };
  },

  async act(request: RestoreRequest, work: Work): Promise<Replacement> {
    const startedAt = performance.now();
    const source = await openSource(request, work.signal);
    const client = await openClient(request, work.call.key);
    const target = targetName(request, work);
    const server = await askServer(client, work.signal);
    const properties = await likeness(client, request, source, work);
    const { summary, takenAt } = source.component;
    const facts = {
      key: work.call.key,
      database: client.spec.database,
      backupId: request.backupId,
      takenAt,
      target,
    };
    // Before anything is fetched: it may be the space that is needed.
    await dropEarlier(client, target, facts, work);
    const fetched = await fetchVerified({
      storage: source.storage,
      key: keys.object(request.system, request.backupId, request.store, source.data.name),
      object: source.data,
      backup: request.backup,
      spool: spoolName(request, work),
      plainBytes: Number(summary['dumpBytes'] ?? summary['databaseBytes'] ?? 0),
      signal: work.signal,
      onProgress: (done, total) =>
        work.progress({ note: `Fetching ${request.backupId}`, done, total, unit: 'bytes' }),
    });
    const comment = properties.comment;
    const name = loadingName(
      client.spec.database,
      work.call.key,
      `${work.call.key} ${process.pid} ${performance.now()} ${Math.random()}`,
    );
    // The mark comes with the database as nearly as can be; a crash between the two is what the name is for.
    const create = `${createStatement(name, properties, server.major)}\n${commentOn(name, stamped({ ...facts, state: 'loading', comment }))}`;
    await client.psql(client.maintenance, create, work.signal);
    await load(client, name, fetched.file, request, server, work, Number(summary['databaseBytes'] ?? 0));
    const tookMs = Math.round(performance.now() - startedAt);
    const finish = [
      'BEGIN;',
      ...likenessStatements(name, properties),
      commentOn(name, stamped({ ...facts, state: 'loaded', tookMs, comment })),
      `ALTER DATABASE ${identifier(name)} RENAME TO ${identifier(target)};`,
      'COMMIT;',
    ];
    await client.psql(client.maintenance, finish.join('\n'), work.signal);
    await fetched.remove();
    return { name: target, backupId: request.backupId, takenAt, tookMs };
  },
};

type Facts = Pick<MarkOf<'loading'>, 'key' | 'database' | 'backupId' | 'takenAt' | 'target'>;

async function load(
  client: Client,
  name: string,
  file: string,
  request: RestoreRequest,
  server: Server,
  work: Work,
  expected: number,
) {
  const watching = watchSize(client, name, expected, work);
  try {
    await run(loadCommand(client, name, request, server, file), work.signal);
    await run(
      client.tool(
        'vacuumdb',
        ['--analyze-only', `--jobs=${jobs(request)}`, `--dbname=${connectionTo(name)}`],
        name,
        { major: server.major },
      ),
      work.signal,
    );
  } catch (error) {
    throw client.explained(
      error,
      `Loading backup ${request.backupId} into database ${name} of ${client.title} failed`,
    );
  } finally {
    await watching.stop();
  }
}

/**
 * Faster than by default, and as safe: what is lost by a crash of the server is a database that is not used yet and would
 * be loaded again. The commit that gives it its name is synchronous, and flushes all that came before it. Several jobs
 * build several indexes at once, so that more workers for each would only be in one another's way; and since every page of
 * a new index goes into the log whole, LZ4 there spares a fifth of the time (1.9 GB of rows, two cores, PostgreSQL 15).
 */
function loadSettings(request: RestoreRequest, server: Server): Record<string, string> {
  return {
    synchronous_commit: 'off',
    maintenance_work_mem: '256MB',
    max_parallel_maintenance_workers: jobs(request) > 1 ? '0' : '2',
    // Others may not set it.
    ...(server.isSuperuser && server.hasLz4 ? { wal_compression: 'lz4' } : {}),
  };
}

function loadCommand(client: Client, name: string, request: RestoreRequest, server: Server, file: string) {
  const args = [`--dbname=${connectionTo(name)}`, `--jobs=${jobs(request)}`, '--exit-on-error', '--', file];
  const settings = loadSettings(request, server);
  return client.tool('pg_restore', args, name, { major: server.major, settings });
}

function jobs({ spec }: RestoreRequest): number {
  return spec.type === 'postgres' ? spec.restoreJobs : 1;
}

function targetName({ spec, purpose }: RestoreRequest, work: Work): string {
  if (spec.type !== 'postgres') throw new TypeError('not a PostgreSQL store');
  return purpose === 'drill' ? drillName(spec.database, work.call.key) : restoringName(spec.database);
}

/** What an earlier attempt, or an earlier run, left of the same replacement. The system's lock says that none is under way. */
function leftovers(databases: Map<string, Database>, client: Client, target: string): Database[] {
  return [...databases.values()].filter(
    ({ mark }) =>
      (mark?.state === 'loading' || mark?.state === 'loaded') &&
      mark.database === client.spec.database &&
      mark.target === target,
  );
}

/** What a crash between making a database and marking it has left: empty, and known by its name as this step's own. */
function unmarked(databases: Map<string, Database>, { spec }: Client, key: string): Database[] {
  return [...databases.values()].filter(({ name, mark }) => !mark && isLoadingName(name, spec.database, key));
}

async function dropEarlier(client: Client, target: string, facts: Facts, work: Work): Promise<void> {
  const seen = await listDatabases(client, work.signal);
  for (const { name } of unmarked(seen, client, work.call.key)) {
    const mark = stamped({ ...facts, state: 'loading', comment: null });
    await client.psql(client.maintenance, commentOn(name, mark), work.signal);
  }
  for (const database of leftovers(await listDatabases(client, work.signal), client, target))
    await dropOurs(client, database, work.signal);
}

/** What the new database is to be like: the live one, or, when that is gone, the one that was backed up. */
async function likeness(
  client: Client,
  request: RestoreRequest,
  source: Source,
  work: Work,
): Promise<Properties> {
  const live = await readProperties(client, client.spec.database, work.signal);
  return live ?? (await readContents(request, source, work.signal)).database;
}
