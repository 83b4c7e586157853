/**
 * The effects of a run, counted outside every worker: in PostgreSQL's own log, in the lines the services log when they start
 * and stop, and by the receiver of messages.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Lab } from '../support/lab.ts';
import { stampless } from './state.ts';

export interface Ledger {
  /** Must be equal to the baseline's: how often each effect happened. */
  effects: Record<string, number>;
  /** Messages beyond the first for one key: allowed, since the receiver can tell, and reported. */
  repeatedMessages: number;
}

/** How far each log had come before the run. */
export type Mark = Record<string, number>;

const services = ['postgres', 'redis', 'api', 'search', 'reports', 'web'] as const;

export function markLogs(lab: Lab): Mark {
  const mark: Mark = { messages: lab.slack.posts.length };
  for (const service of services) {
    const file = logOf(lab, service);
    mark[service] = existsSync(file) ? statSync(file).size : 0;
  }
  return mark;
}

export function readLedger(lab: Lab, mark: Mark): Ledger {
  const effects: Record<string, number> = {};
  const add = (effect: string, count = 1) => {
    if (count > 0) effects[effect] = (effects[effect] ?? 0) + count;
  };
  for (const statement of committed(since(lab, 'postgres', mark))) add(statement);
  for (const service of services) {
    const log = since(lab, service, mark);
    add(`start of ${service}`, log.match(startLine(service))?.length ?? 0);
    add(`stop of ${service}`, log.match(stopLine(service))?.length ?? 0);
  }
  const posts = lab.slack.posts.slice(mark['messages'] ?? 0);
  const keys = posts.map((post) => String(post.headers['idempotency-key']));
  for (const key of new Set(keys)) add(`message ${stampless(key).replace(/^.*\//, '')}`);
  return { effects, repeatedMessages: keys.length - new Set(keys).size };
}

function logOf(lab: Lab, service: string): string {
  return path.join(lab.demo.root, 'logs', `${service}.log`);
}

function since(lab: Lab, service: string, mark: Mark): string {
  const file = logOf(lab, service);
  return existsSync(file)
    ? readFileSync(file)
        .subarray(mark[service] ?? 0)
        .toString('utf8')
    : '';
}

function startLine(service: string): RegExp {
  if (service === 'postgres') return /database system is ready to accept connections/g;
  if (service === 'redis') return /Ready to accept connections/g;
  return new RegExp(`^${service} listens on `, 'gm');
}

function stopLine(service: string): RegExp {
  if (service === 'postgres') return /LOG: {2}database system is shut down/g;
  if (service === 'redis') return /bye bye/g;
  return new RegExp(`^${service} stops$`, 'gm');
}

/** Statements that change what there is. Data loaded into a database that is not in use yet may be loaded again. */
const watched =
  /\bALTER DATABASE "?([^\s"]+)"? RENAME TO "?([^\s";]+)"?|\bREINDEX\s+(?:\([^)]*\)\s*)?(?:INDEX|TABLE)\s+(?:CONCURRENTLY\s+)?([^\s;]+)|\b(BEGIN|START TRANSACTION|COMMIT|END|ROLLBACK)\b/gi;

/** What PostgreSQL carried out and committed: it logs a statement's duration when it succeeded. */
function committed(log: string): string[] {
  const found: string[] = [];
  const open = new Map<string, string[]>();
  // 2026-01-01 00:00:00.000 UTC [pid] name LOG:  duration: 1.2 ms  statement: ...; further lines begin with a tab.
  const entries = log.matchAll(
    /^\d{4}-\d\d-\d\d [\d:.]+ \w+ \[(\d+)\] ([^\n]*?) ?LOG: {2}duration: [\d.]+ ms {2}(?:statement|execute [^:]*): ((?:[^\n]|\n\t)*)/gm,
  );
  for (const [, pid = '', , text = ''] of entries) {
    // What is quoted is data, such as a comment.
    const sql = text.replace(/'(?:[^']|'')*'/g, "''");
    for (const [whole, from, to, index] of sql.matchAll(watched)) {
      const pending = open.get(pid);
      if (/^(BEGIN|START)/i.test(whole)) open.set(pid, []);
      else if (/^ROLLBACK/i.test(whole)) open.delete(pid);
      else if (/^(COMMIT|END)$/i.test(whole)) {
        found.push(...(pending ?? []));
        open.delete(pid);
      } else {
        const effect = from
          ? `rename ${generalised(from)} to ${generalised(to ?? '')}`
          : `reindex ${(index ?? '').replaceAll('"', '')}`;
        if (pending) pending.push(effect);
        else found.push(effect);
      }
    }
  }
  // A copy gets its final name when it is complete: that may happen again for a second copy.
  return found.filter((effect) => !/_loading_/.test(effect));
}

function generalised(name: string): string {
  return stampless(name);
}
