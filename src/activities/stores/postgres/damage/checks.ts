/** The checks of one relation, as SQL. Each reads only; none takes a lock that would keep users from reading or writing. */
import type { Relation } from './relations.ts';

export interface Check {
  relation: Relation;
  sql: string;
  /** Each line it prints is a finding; otherwise only an error is one. */
  linesAreFindings: boolean;
}

export interface Tools {
  /** Schema of amcheck; null when it is not installed in this database. */
  amcheck: string | null;
  serverNumber: number;
}

const firstWithVerifyHeapam = 140_000;
const firstWithGinCheck = 180_000;

/** How every session that checks is set up: rows are read from the table itself, never from an index of it. */
export const checkSettings: Readonly<Record<string, string>> = {
  lock_timeout: '10000',
  enable_indexscan: 'off',
  enable_indexonlyscan: 'off',
  enable_bitmapscan: 'off',
  max_parallel_workers_per_gather: '0',
  default_transaction_read_only: 'on',
};

/**
 * A table is read through, every column and every long value, since only that shows that it can be; then amcheck looks
 * at what reading does not show. An index is compared with its table, row by row.
 */
export function checksOf(relation: Relation, tools: Tools): { checks: Check[]; gap: string | null } {
  if (relation.kind === 'index') return indexChecks(relation, tools);
  const checks = [{ relation, sql: readThrough(relation), linesAreFindings: false }];
  const { amcheck, serverNumber } = tools;
  if (amcheck !== null && serverNumber >= firstWithVerifyHeapam && relation.method === 'heap') {
    const options = `on_error_stop => false, check_toast => ${relation.kind === 'table' ? 'true' : 'false'}`;
    const sql = `SELECT format('block %s, row %s: %s', blkno, offnum, msg) FROM ${amcheck}.verify_heapam(${relation.oid}::oid::regclass, ${options}) LIMIT 5`;
    checks.push({ relation, sql, linesAreFindings: true });
  }
  return { checks, gap: null };
}

function readThrough({ name, kind }: Relation): string {
  // Long values are fetched and unpacked to be written as text. Their own table holds bytes that can be read one by one.
  const value = kind === 'toast' ? 'octet_length(t.chunk_data)' : 'octet_length((t.*)::text)';
  return `SELECT count(*), sum(${value}) FROM ONLY ${name} AS t`;
}

function indexChecks(
  relation: Relation,
  { amcheck, serverNumber }: Tools,
): { checks: Check[]; gap: string | null } {
  const { name, method, oid } = relation;
  const index = `${oid}::oid::regclass`;
  if (amcheck === null) return { checks: [], gap: null };
  if (method === 'btree') {
    return {
      checks: [
        { relation, sql: `SELECT ${amcheck}.bt_index_check(${index}, true)`, linesAreFindings: false },
      ],
      gap: null,
    };
  }
  if (method === 'gin' && serverNumber >= firstWithGinCheck) {
    return {
      checks: [{ relation, sql: `SELECT ${amcheck}.gin_index_check(${index})`, linesAreFindings: false }],
      gap: null,
    };
  }
  return {
    checks: [],
    gap: `Index ${name} (${method ?? 'unknown'}): there is no check for this kind of index.`,
  };
}
