/** The inventory's validations: queries that answer one number, run where they can change nothing. */
import type { Validation } from '../../../inventory/schema/store.ts';
import type { Comparison } from '../contract.ts';
import { literal } from './quote.ts';
import type { Session } from './session.ts';

export type Validated = Comparison['validations'][number];

/** Milliseconds for one query. */
const patience = 300_000;

/** Each in a read-only transaction. A query that fails is a validation that failed, with what the server said. */
export async function validate(
  session: Session,
  validations: readonly Validation[],
): Promise<{ results: Validated[]; problems: string[] }> {
  const results: Validated[] = [];
  const problems: string[] = [];
  for (const validation of validations) {
    const { value, problem } = await query(session, validation.sql);
    const ok = value !== null && isExpected(value, validation);
    results.push({ name: validation.name, value, ok, expected: expectation(validation) });
    if (!ok)
      problems.push(
        `Validation "${validation.name}": ${problem ?? `${String(value)} where ${expectation(validation)} was expected`}.`,
      );
  }
  return { results, problems };
}

/**
 * The query goes in as a constant and is run by the server itself: it is one query and no more, whatever its text, and psql
 * never reads it, so that `\!` in it starts no program. Names are found in `public` too, after those of the system.
 */
async function query(
  session: Session,
  sql: string,
): Promise<{ value: number | null; problem: string | null }> {
  await session.ask(
    `BEGIN READ ONLY; SET LOCAL search_path TO pg_catalog, public; SET LOCAL statement_timeout TO ${patience}`,
  );
  const { lines, error } = await session.try(
    `SELECT query_to_xml(${literal(sql.replace(/;\s*$/, ''))}, true, true, '')`,
  );
  await session.try('ROLLBACK');
  if (error) return { value: null, problem: `the query failed: ${error.message}` };
  const cells = [...lines.join('\n').matchAll(/^ {2}<(?!\/)([^\s>]+)([^>]*)>(?:([^<]*)<\/\1>)?$/gm)];
  const [cell] = cells;
  if (!cell || cells.length > 1)
    return { value: null, problem: `the query answered ${cells.length} values instead of one` };
  const text = cell[3]?.trim() ?? '';
  const value = Number(text);
  if (text === '' || !Number.isFinite(value))
    return {
      value: null,
      problem: `the query answered ${text === '' ? 'NULL' : JSON.stringify(text)}, not a number`,
    };
  return { value, problem: null };
}

function isExpected(value: number, { atLeast, atMost, equals }: Validation): boolean {
  return (
    (atLeast === undefined || value >= atLeast) &&
    (atMost === undefined || value <= atMost) &&
    (equals === undefined || value === equals)
  );
}

function expectation({ atLeast, atMost, equals }: Validation): string {
  const parts: string[] = [];
  if (equals !== undefined) parts.push(`exactly ${equals}`);
  if (atLeast !== undefined) parts.push(`at least ${atLeast}`);
  if (atMost !== undefined) parts.push(`at most ${atMost}`);
  return parts.join(' and ') || 'a number';
}
