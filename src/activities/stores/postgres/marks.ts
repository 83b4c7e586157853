/**
 * The mark on every database of ours: JSON in its comment (`\l+` shows it). What does not bear it is never dropped,
 * renamed or written to, whatever it is called.
 */
import { z } from 'zod';
import type { Client } from './client.ts';
import { identifier, literal } from './quote.ts';

const product = 'durable-runbooks';

const copy = {
  product: z.literal(product),
  key: z.string(),
  /** The live database it is a copy for. */
  database: z.string(),
  backupId: z.string(),
  takenAt: z.string(),
  /** What it is to be called once loaded. */
  target: z.string(),
  comment: z.string().nullable(),
};

export const mark = z.discriminatedUnion('state', [
  /** Being filled; worthless after a crash. */
  z.object({ state: z.literal('loading'), ...copy }),
  /** Complete, not in use. `tookMs`: milliseconds the restore took. */
  z.object({ state: z.literal('loaded'), ...copy, tookMs: z.number().optional() }),
  z.object({
    /** `closing`: live, closed to users because a swap is under way. */
    state: z.literal('closing'),
    product: z.literal(product),
    key: z.string(),
    database: z.string(),
    comment: z.string().nullable(),
  }),
  z.object({
    /** In use, put there by us. */
    state: z.literal('live'),
    product: z.literal(product),
    key: z.string(),
    database: z.string(),
    backupId: z.string(),
    takenAt: z.string(),
    /** What the data it replaced is called; null when there was none. */
    keptAs: z.string().nullable(),
    until: z.string(),
    tookMs: z.number().optional(),
    comment: z.string().nullable(),
  }),
  z.object({
    /** Replaced, and kept until a time. */
    state: z.literal('kept'),
    product: z.literal(product),
    key: z.string(),
    database: z.string(),
    until: z.string(),
    comment: z.string().nullable(),
  }),
]);

export type Mark = z.infer<typeof mark>;
export type MarkOf<State extends Mark['state']> = Extract<Mark, { state: State }>;

export interface Database {
  name: string;
  oid: number;
  owner: string;
  allowsConnections: boolean;
  comment: string | null;
  mark: Mark | null;
}

/** A mark without the product's name, which is added here and nowhere else. */
type Unstamped<M> = M extends unknown ? Omit<M, 'product'> : never;

export function stamped(facts: Unstamped<Mark>): Mark {
  return { product, ...facts };
}

/** The statement that puts a mark, or a plain comment, or none, on a database. */
export function commentOn(database: string, comment: Mark | string | null): string {
  const text = comment === null || typeof comment === 'string' ? comment : JSON.stringify(comment);
  return `COMMENT ON DATABASE ${identifier(database)} IS ${text === null ? 'NULL' : literal(text)};`;
}

/** What a database's owner wrote as its comment, beneath any mark of ours. */
export function ownComment(database: Database | undefined): string | null {
  return database?.mark ? database.mark.comment : (database?.comment ?? null);
}

export function readMark(comment: string | null): Mark | null {
  if (!comment?.includes(product)) return null;
  try {
    return mark.safeParse(JSON.parse(comment)).data ?? null;
  } catch {
    return null;
  }
}

const allDatabases = `
SELECT coalesce(json_agg(json_build_object('name', datname, 'oid', oid::bigint, 'owner', pg_get_userbyid(datdba),
  'allowsConnections', datallowconn, 'comment', shobj_description(oid, 'pg_database')) ORDER BY oid), '[]')
FROM pg_database WHERE NOT datistemplate`;

/** Every database of the server, by name. */
export async function listDatabases(client: Client, signal: AbortSignal): Promise<Map<string, Database>> {
  const rows = await client.json<Omit<Database, 'mark'>[]>(client.maintenance, allDatabases, signal);
  return new Map(rows.map((row) => [row.name, { ...row, mark: readMark(row.comment) }]));
}
