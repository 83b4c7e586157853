/** Counts and hashes every table of a database, in several sessions if allowed. */
import type { PostgresContents } from '../../backups/manifest.ts';
import { type Algorithm, measureSql } from './content-hash.ts';
import type { Session } from './session.ts';
import type { Table } from './tables.ts';

export type Measured = PostgresContents['tables'][number];

export interface ToMeasure {
  table: Table;
  algorithm: Algorithm;
}

/**
 * Compiling these queries costs more than it saves: 1.3 s instead of 1.6 s for 15 million rows of five tables in PostgreSQL 15.
 * Asked so that a server that cannot compile has nothing to refuse.
 */
const withoutCompiling = `SELECT set_config(name, 'off', false) FROM pg_settings WHERE name = 'jit'`;

/** Every session takes the next table that no other has taken. The answer is in the order of the names. */
export async function measureTables(
  wanted: readonly ToMeasure[],
  sessions: readonly Session[],
  onMeasured: (done: number, total: number, name: string) => void = () => undefined,
): Promise<Measured[]> {
  const waiting = [...wanted];
  const measured: Measured[] = [];
  const work = async (session: Session) => {
    await session.ask(withoutCompiling);
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const { table, algorithm } = next;
      const [line = ''] = await session.ask(measureSql(table, algorithm));
      const answer = JSON.parse(line) as { rows: string; hash: string };
      measured.push({ schema: table.schema, name: table.name, ...answer, algorithm });
      onMeasured(measured.length, wanted.length, `${table.schema}.${table.name}`);
    }
  };
  await Promise.all(sessions.map(work));
  return measured.sort((a, b) => compare(a.schema, b.schema) || compare(a.name, b.name));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
