/**
 * Which tables and sequences a database has whose contents must survive a dump and a restore: those that pg_dump writes
 * rows of. Partitioned tables hold no rows themselves (their leaves are listed); foreign tables' rows live elsewhere;
 * temporary tables are somebody's own; an extension makes its tables again, except those it has declared to hold users'
 * configuration, of which it may keep a part (they are left out); materialised views are computed again.
 */
import type { Client } from './client.ts';
import type { Session } from './session.ts';

export interface Column {
  name: string;
  /** Name of the type in pg_catalog, a domain's base type; null for any other type. */
  type: string | null;
  /** False where equal text may be spelled in different ways: a hash by such a collation depends on the ICU library. */
  deterministic: boolean;
}

export interface Table {
  schema: string;
  name: string;
  columns: Column[];
}

export interface Sequence {
  schema: string;
  name: string;
  /** Null when it was never used, or may not be read. */
  lastValue: string | null;
  increment: string;
  cycles: boolean;
}

const userSchema = `n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'`;
const ofExtension = (catalog: string, oid: string) =>
  `EXISTS (SELECT FROM pg_depend d WHERE d.classid = '${catalog}'::regclass AND d.objid = ${oid} AND d.deptype = 'e')`;

/** Columns in the order of their names: a restore may change the order of inherited ones. */
const tablesSql = `
SELECT coalesce(json_agg(json_build_object('schema', n.nspname, 'name', c.relname, 'columns', (
  SELECT coalesce(json_agg(json_build_object('name', a.attname,
      'type', CASE WHEN t.typnamespace = 'pg_catalog'::regnamespace THEN t.typname END,
      'deterministic', coalesce(l.collisdeterministic, true)) ORDER BY a.attname), '[]')
  FROM pg_attribute a
  JOIN pg_type u ON u.oid = a.atttypid
  JOIN pg_type t ON t.oid = CASE WHEN u.typtype = 'd' THEN u.typbasetype ELSE u.oid END
  LEFT JOIN pg_collation l ON l.oid = a.attcollation
  WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
)) ORDER BY pg_relation_size(c.oid) DESC, n.nspname, c.relname), '[]')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND ${userSchema} AND NOT ${ofExtension('pg_class', 'c.oid')}`;

const sequencesSql = `
SELECT coalesce(json_agg(json_build_object('schema', n.nspname, 'name', c.relname,
  'lastValue', pg_sequence_last_value(c.oid)::text, 'increment', s.seqincrement::text, 'cycles', s.seqcycle)
  ORDER BY n.nspname, c.relname), '[]')
FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relpersistence <> 't' AND ${userSchema} AND NOT ${ofExtension('pg_class', 'c.oid')}`;

/** Stands for all large objects of the database; only a superuser may read them, and PostgreSQL 14 can first trim their pages. */
const largeObjects: Table = { schema: 'pg_catalog', name: 'pg_largeobject', columns: [] };

const hasLargeObjects = `
SELECT to_json(current_setting('server_version_num')::int >= 140000
  AND has_table_privilege('pg_largeobject', 'SELECT') AND EXISTS (SELECT FROM pg_largeobject_metadata))`;

export function isLargeObjects({ schema, name }: Table): boolean {
  return schema === largeObjects.schema && name === largeObjects.name;
}

/** The largest first, so that parallel sessions end at about the same time. */
export async function listTables(asked: Asked): Promise<Table[]> {
  const tables = await asked<Table[]>(tablesSql);
  return (await asked<boolean>(hasLargeObjects)) ? [...tables, largeObjects] : tables;
}

/** Sequences are outside of transactions: what this answers is never newer than what a later pg_dump reads. */
export async function listSequences(asked: Asked): Promise<Sequence[]> {
  return await asked<Sequence[]>(sequencesSql);
}

/** Runs a query that answers one JSON value: in an open session (and its snapshot), or in one of its own. */
export type Asked = <Answer>(sql: string) => Promise<Answer>;

export function askedIn(session: Session): Asked {
  return async <Answer>(sql: string) => JSON.parse((await session.ask(sql)).join('\n')) as Answer;
}

export function askedOf(client: Client, database: string, signal: AbortSignal): Asked {
  return async <Answer>(sql: string) => await client.json<Answer>(database, sql, signal);
}
