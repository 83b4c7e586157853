/** What there is to look at in a database: every table with rows, every index, and whose file is whose. */
import { literal } from '../quote.ts';
import type { Asked } from '../tables.ts';

export interface Relation {
  oid: number;
  /** Qualified and quoted, ready for SQL and for people. */
  name: string;
  kind: 'table' | 'toast' | 'index';
  /** Of the system's own tables and their indexes. */
  isSystem: boolean;
  /** Of a toast table: the table whose long values it holds; of an index: its table. */
  belongsTo: number | null;
  /** btree, gin, …; heap. */
  method: string | null;
  /** Number of its file, as messages about blocks name it. */
  file: number | null;
  /** Bytes. */
  bytes: number;
}

/** The largest first. Temporary tables are left out: they end with their session. */
export async function listRelations(asked: Asked): Promise<Relation[]> {
  return await asked<Relation[]>(`
SELECT coalesce(json_agg(r ORDER BY r.bytes DESC), '[]') FROM (
  SELECT c.oid::bigint AS oid, format('%I.%I', n.nspname, c.relname) AS name,
    CASE c.relkind WHEN 'i' THEN 'index' WHEN 't' THEN 'toast' ELSE 'table' END AS kind,
    coalesce(n.nspname = 'pg_catalog' OR c.relisshared OR (n.nspname = 'pg_toast' AND coalesce(o.oid, 16384) < 16384), false) AS "isSystem",
    CASE c.relkind WHEN 'i' THEN x.indrelid::bigint WHEN 't' THEN o.oid::bigint END AS "belongsTo",
    m.amname AS method, pg_relation_filenode(c.oid)::bigint AS file, pg_relation_size(c.oid) AS bytes
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_am m ON m.oid = c.relam
  LEFT JOIN pg_index x ON x.indexrelid = c.oid
  LEFT JOIN pg_class o ON o.reltoastrelid = CASE c.relkind WHEN 't' THEN c.oid ELSE x.indrelid END
  WHERE c.relkind IN ('r', 'm', 't', 'i') AND c.relpersistence <> 't'
    AND (x.indexrelid IS NULL OR x.indisready)
) r`);
}

/** The schema an extension's functions lie in; null when it is not installed in this database. */
export async function extensionSchema(asked: Asked, extension: string): Promise<string | null> {
  return await asked<string | null>(
    `SELECT coalesce((SELECT to_json(quote_ident(n.nspname)) FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = ${literal(extension)}), 'null')`,
  );
}
