/** What the databases that a restore makes are called. */
import { createHash } from 'node:crypto';
import { longestName } from './quote.ts';

/** Where a restore for use ends up before it is swapped in. */
export function restoringName(database: string): string {
  return suffixed(database, '_restoring');
}

/** A drill's scratch database: the same for every attempt of one step, another for every other drill. */
export function drillName(database: string, key: string): string {
  return suffixed(database, `_drill_${shortHash(key)}`);
}

/**
 * What a database is called while it is loaded: another name for every attempt. A `pg_restore` that outlived its worker
 * can then never write into the database of the attempt after it.
 */
export function loadingName(database: string, key: string, attempt: string): string {
  return suffixed(database, `_loading_${shortHash(key)}_${shortHash(attempt)}`);
}

/** Whether it is the name of an attempt of the step with this key: nobody else comes upon its hash. */
export function isLoadingName(name: string, database: string, key: string): boolean {
  const own = loadingName(database, key, '');
  return name.length === own.length && name.startsWith(own.slice(0, -shortHash('').length));
}

/** What replaced data is called while it is kept. The time is UTC. */
export function replacedName(database: string, at: Date): string {
  return suffixed(database, `_replaced_${at.toISOString().replaceAll(/\D/g, '').slice(0, 14)}`);
}

/** How our sessions call themselves in `pg_stat_activity`: the same for every attempt of a step. */
export function applicationName(key: string): string {
  return `durable-runbooks ${createHash('sha256').update(key).digest('hex').slice(0, 16)}`;
}

export function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}

/** A name that is too long is cut and told apart by a hash: PostgreSQL would cut off the suffix, and mean the live database. */
function suffixed(database: string, suffix: string): string {
  const whole = `${database}${suffix}`;
  if (Buffer.byteLength(whole) <= longestName) return whole;
  const room = longestName - suffix.length - 9;
  return `${Buffer.from(database)
    .subarray(0, room)
    .toString('utf8')
    .replace(/\uFFFD+$/, '')}_${shortHash(database)}${suffix}`;
}
