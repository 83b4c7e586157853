/**
 * The query that counts a table's rows and hashes their values, whatever order they lie in: the sum over the rows of a
 * 64-bit hash of each, as an exact integer. Two different tables agree by chance once in 2^64.
 *
 * `columns`: the hash of a row is the XOR of its columns' hashes, each with another seed, by the functions
 * (`hashtextextended` and the like, all behind `hash_record_extended`) that hash partitioning sends rows to partitions by.
 * That is why they give the same on every server and in every version: otherwise partitioned tables could not be restored.
 * (Called directly they take about three quarters of the time of `hash_record_extended(t.*, 0)`, which forms a record of each row.)
 * What is equal to PostgreSQL hashes equally, so it does not see: the scale of a numeric (1.0, 1.00), the sign of a zero,
 * trailing blanks of char(n), 1 month written as 30 days.
 *
 * `text`: the hash of the row as text, for tables with other types: those without a hash function (json, point, xml), and
 * those whose hash is of an object's number, which a restore changes (enums), or is up to a library or an extension.
 * It sees every digit. The session fixes how text is written; see `baseSettings` in client.ts.
 */
import type { PostgresContents } from '../../backups/manifest.ts';
import { identifier, qualified } from './quote.ts';
import { type Column, isLargeObjects, type Table } from './tables.ts';

export type Algorithm = PostgresContents['tables'][number]['algorithm'];

/** A type's hash function, where SQL may call it directly. */
const direct: Readonly<Record<string, (value: string, seed: number) => string>> = {
  int2: call('hashint2extended'),
  int4: call('hashint4extended'),
  int8: call('hashint8extended'),
  oid: call('hashoidextended'),
  float4: call('hashfloat4extended'),
  float8: call('hashfloat8extended'),
  numeric: call('hash_numeric_extended'),
  text: call('hashtextextended', ' COLLATE "C"'),
  varchar: call('hashtextextended', '::text COLLATE "C"'),
  bpchar: call('hashbpcharextended', ' COLLATE "C"'),
  name: call('hashnameextended'),
  bool: call('hashint4extended', '::int'),
  timestamp: call('timestamp_hash_extended'),
  // To a timestamp in UTC: the interval is the cheapest way to say so, and keeps infinity.
  timestamptz: call('timestamp_hash_extended', " AT TIME ZONE interval '0'"),
  date: (value, seed) =>
    `CASE WHEN isfinite(${value}) THEN hashint4extended(${value} - date '2000-01-01', ${seed}) ELSE hashtextextended(${value}::text COLLATE "C", ${seed}) END`,
  time: call('time_hash_extended'),
  interval: call('interval_hash_extended'),
  // As text: cheaper than a record of it, and with the same limit of half a gigabyte that pg_dump has.
  bytea: (value, seed) => `hashtextextended(encode(${value}, 'hex') COLLATE "C", ${seed})`,
  uuid: call('uuid_hash_extended'),
  jsonb: call('jsonb_hash_extended'),
  inet: call('hashinetextended'),
  cidr: call('hashinetextended'),
  macaddr: call('hashmacaddrextended'),
};

/** Their hash functions take an internal argument, or another type's name: reached through a record of the column. */
const throughRecord = new Set(['timetz', 'macaddr8', 'pg_lsn', 'char']);

const arraysOf = new Set([
  '_int2',
  '_int4',
  '_int8',
  '_text',
  '_varchar',
  '_uuid',
  '_numeric',
  '_bool',
  '_date',
  '_timestamptz',
]);

/** Before 14 records could not be hashed. */
const firstWithRecordHash = 140_000;

export function algorithmFor(table: Table, serverNumber: number): Algorithm {
  const stable = ({ type, deterministic }: Column) =>
    type !== null && deterministic && (type in direct || throughRecord.has(type) || arraysOf.has(type));
  return serverNumber >= firstWithRecordHash && table.columns.every(stable) ? 'columns' : 'text';
}

/** Answers one line: `{"rows": "…", "hash": "…"}`. */
export function measureSql(table: Table, algorithm: Algorithm): string {
  if (isLargeObjects(table)) return largeObjectsSql;
  const hash = algorithm === 'columns' ? columnsHash(table.columns) : textHash(table.columns);
  return `SELECT json_build_object('rows', count(*)::text, 'hash', coalesce(sum(${hash}), 0)::text) FROM ONLY ${qualified(table.schema, table.name)} AS t`;
}

/**
 * Large objects, by their pages. Zeros at a page's end count as nothing, and so do pages that are missing or hold only
 * zeros: a hole in an object comes back from a restore as written zeros.
 */
const largeObjectsSql = String.raw`SELECT json_build_object('rows', (SELECT count(*) FROM pg_largeobject_metadata)::text,
  'hash', coalesce(sum(hash_record_extended(ROW(p.loid, p.pageno, p.bytes), 0)), 0)::text)
FROM (SELECT loid, pageno, rtrim(data, '\x00'::bytea) AS bytes FROM pg_largeobject) AS p WHERE p.bytes <> ''`;

function columnsHash(columns: readonly Column[]): string {
  const seeded = columns.map((column, index) => ({
    ...column,
    value: `t.${identifier(column.name)}`,
    seed: index + 1,
  }));
  const parts = seeded.flatMap(({ type, value, seed }) => {
    const expression = direct[type ?? ''];
    // A NULL counts by its column's number alone.
    return expression ? [`coalesce(${expression(value, seed)}, ${seed})`] : [];
  });
  const others = seeded.filter(({ type }) => !direct[type ?? '']);
  if (others.length > 0)
    parts.push(`hash_record_extended(ROW(${others.map(({ value }) => value).join(', ')}), 0)`);
  return parts.length === 0 ? '0' : parts.join(' # ');
}

function textHash(columns: readonly Column[]): string {
  const values = columns.map(({ name }) => `t.${identifier(name)}`).join(', ');
  return `hashtextextended(ROW(${values})::text COLLATE "C", 0)`;
}

function call(name: string, cast = ''): (value: string, seed: number) => string {
  return (value, seed) => `${name}(${value}${cast}, ${seed})`;
}
