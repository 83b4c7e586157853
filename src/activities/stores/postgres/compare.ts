/** Compares a restored database with what was counted and hashed in the dump's own snapshot. */
import { openSource, readContents } from './source.ts';
import type { PostgresContents } from '../../backups/manifest.ts';
import { failure } from '../../failures.ts';
import type { Comparison, Replacement, RestoreRequest, Work } from '../contract.ts';
import { type Client, openClient } from './client.ts';
import { differences, type Found } from './differences.ts';
import { listDatabases } from './marks.ts';
import { measureTables } from './measure.ts';
import { askedIn, listSequences, listTables } from './tables.ts';
import { validate } from './validate.ts';

/** Of which the first so many are told. */
const mostDifferences = 20;

export async function compare(
  request: RestoreRequest & { replacement: Replacement },
  work: Work,
): Promise<Comparison> {
  const source = await openSource(request, work.signal);
  const contents = await readContents(request, source, work.signal);
  const client = await openClient(request, work.call.key);
  const name = request.replacement.name;
  const { mark } = (await listDatabases(client, work.signal)).get(name) ?? {};
  if (mark?.state !== 'loaded' || mark.backupId !== request.backupId) {
    throw failure('NotOurs', {
      what: `Database ${name} of ${client.title} is not a loaded copy of backup ${request.backupId}: it was not compared.`,
      hint: 'Run the restore again.',
      retryable: false,
    });
  }
  const found = await measure(client, name, contents, work);
  const session = client.session(name, work.signal);
  try {
    const { results, problems } = await validate(session, client.spec.validations);
    const all = [...differences(contents, found), ...problems];
    const rows = found.tables.reduce((sum, table) => sum + BigInt(table.rows), 0n);
    return {
      equal: all.length === 0,
      compared: found.tables.length,
      unit: 'tables',
      rows: String(rows),
      differences:
        all.length > mostDifferences
          ? [...all.slice(0, mostDifferences - 1), `And ${all.length - mostDifferences + 1} more.`]
          : all,
      validations: results,
    };
  } finally {
    await session.close();
  }
}

/** Every table that is there, each hashed as it was for the backup. */
async function measure(client: Client, name: string, contents: PostgresContents, work: Work): Promise<Found> {
  const sessions = Array.from({ length: client.spec.restoreJobs }, () => client.session(name, work.signal));
  try {
    const [first] = sessions;
    if (!first) throw new RangeError('restoreJobs must be at least one');
    const asked = askedIn(first);
    const [tables, sequences] = [await listTables(asked), await listSequences(asked)];
    const recorded = new Map(
      contents.tables.map((table) => [JSON.stringify([table.schema, table.name]), table]),
    );
    const wanted = tables.map((table) => ({
      table,
      algorithm: recorded.get(JSON.stringify([table.schema, table.name]))?.algorithm ?? ('text' as const),
    }));
    const measured = await measureTables(wanted, sessions, (done, total, table) =>
      work.progress({ note: `Compared ${table}`, done, total, unit: 'items' }),
    );
    return { tables: measured, sequences };
  } finally {
    await Promise.all(sessions.map(async (session) => await session.close()));
  }
}
