/**
 * What is wrong with a database, found by reading all of it. One bad relation does not end the search: whether an index can
 * be rebuilt is only known when the table beneath it has been read.
 */
import type { DamageReport } from '../../../contract.ts';
import type { StoreRequest, Work } from '../../contract.ts';
import { type Client, openClient } from '../client.ts';
import type { Answer, Session } from '../session.ts';
import { askedOf } from '../tables.ts';
import { type Check, checkSettings, checksOf } from './checks.ts';
import { reach } from './reach.ts';
import { extensionSchema, listRelations, type Relation } from './relations.ts';
import { findingOf, judge, speaksOfDamage } from './verdict.ts';

/** Sessions that check side by side. */
const width = 2;
/** Findings in the report; the verdict counts all of them. */
const mostFindings = 100;

export async function classifyDamage(request: StoreRequest, work: Work): Promise<DamageReport> {
  const startedAt = performance.now();
  const client = await openClient(request, work.call.key);
  const { database } = client.spec;
  const report = (facts: Partial<DamageReport>): DamageReport => ({
    verdict: 'healthy',
    findings: [],
    indexes: [],
    checkedRelations: 0,
    checksums: false,
    gaps: [],
    ...facts,
    tookMs: Math.round(performance.now() - startedAt),
  });
  const reached = await reach(client, work.signal);
  if ('why' in reached) {
    if (!reached.isDamage)
      return report({ verdict: 'unreachable', gaps: [`Nothing could be looked at. ${reached.why}`] });
    return report({
      verdict: 'catalog',
      findings: [{ relation: database, kind: 'catalog', message: reached.why }],
    });
  }

  const gaps: string[] = [];
  const asked = askedOf(client, database, work.signal);
  let relations: Relation[];
  let checksums: boolean;
  let amcheck: string | null;
  try {
    checksums = await asked<boolean>(`SELECT to_json(current_setting('data_checksums') = 'on')`);
    amcheck = await extensionSchema(asked, 'amcheck');
    relations = await listRelations(asked);
  } catch (error) {
    work.signal.throwIfAborted();
    const message = error instanceof Error ? error.message : String(error);
    const isDamage = speaksOfDamage({ sqlState: '', message });
    if (!isDamage)
      return report({ verdict: 'unreachable', gaps: [`The system tables could not be read. ${message}`] });
    return report({ verdict: 'catalog', findings: [{ relation: 'pg_catalog', kind: 'catalog', message }] });
  }
  if (!checksums)
    gaps.push('Page checksums are off: a changed byte that still reads as a value goes unseen.');
  if (amcheck === null) {
    gaps.push(
      `amcheck is not installed in database ${database}: whether indexes agree with their tables was not checked (CREATE EXTENSION amcheck makes it possible).`,
    );
  }
  if (!reached.server.isSuperuser)
    gaps.push('The user is not a superuser: system tables that it may not read were left out.');

  const checks: Check[] = [];
  for (const relation of relations) {
    const found = checksOf(relation, { amcheck, serverNumber: reached.server.number });
    checks.push(...found.checks);
    if (found.gap !== null) gaps.push(found.gap);
  }
  const findings = await runChecks(client, checks, relations, gaps, work);
  const { verdict, indexes } = judge(findings, relations);
  return report({
    verdict,
    indexes,
    findings: distinct(findings).slice(0, mostFindings),
    checkedRelations: new Set(checks.map(({ relation }) => relation.oid)).size,
    checksums,
    gaps: bounded(gaps),
  });
}

/** Several checks meet the same bad page: said once. */
function distinct(findings: readonly DamageReport['findings'][number][]): DamageReport['findings'] {
  const seen = new Map<string, DamageReport['findings'][number]>();
  for (const { relation, kind, message } of findings) {
    const finding = { relation, kind, message: message.slice(0, 500) };
    seen.set(JSON.stringify(finding), finding);
  }
  return [...seen.values()];
}

async function runChecks(
  client: Client,
  checks: readonly Check[],
  relations: readonly Relation[],
  gaps: string[],
  work: Work,
) {
  const findings: ReturnType<typeof findingOf>[] = [];
  const waiting = [...checks];
  const add = (check: Check, sqlState: string, message: string) =>
    findings.push(findingOf({ relation: check.relation, error: { sqlState, message } }, relations));
  const worker = async () => {
    let session: Session | undefined;
    try {
      for (let check = waiting.shift(); check; check = waiting.shift()) {
        work.progress({
          note: `Checked up to ${check.relation.name}`,
          done: checks.length - waiting.length,
          total: checks.length,
          unit: 'items',
        });
        const looked = await look(client, session, check, work);
        session = looked.session;
        if (looked.answer === null)
          add(check, 'XX000', 'the server process ended twice while it looked at this');
        else if (looked.answer.error && (await isGone(looked.session, check)))
          gaps.push(`${check.relation.name} was dropped while it was looked at.`);
        else if (looked.answer.error && speaksOfDamage(looked.answer.error))
          add(check, looked.answer.error.sqlState, looked.answer.error.message);
        else if (looked.answer.error)
          gaps.push(`${check.relation.name} could not be checked: ${looked.answer.error.message}`);
        else if (check.linesAreFindings) for (const line of looked.answer.lines) add(check, 'XX001', line);
      }
    } finally {
      await session?.close();
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  return findings;
}

/**
 * Whether a relation that was listed is not there any more: somebody dropped it meanwhile, and the internal error that this
 * ends in (could not open relation) says nothing of damage. When that cannot be asked, it is taken to be there.
 */
async function isGone(session: Session | undefined, { relation }: Check): Promise<boolean> {
  const asked = await session?.try(`SELECT count(*) FROM pg_class WHERE oid = ${relation.oid}`);
  return asked?.error === null && asked.lines[0] === '0';
}

/**
 * A session that is lost is opened again, once, for the same check: damage can end the server's process, and so does a
 * restart. When the server then does not answer at all, the classification fails and is tried again as a whole.
 */
async function look(
  client: Client,
  open: Session | undefined,
  check: Check,
  work: Work,
): Promise<{ session: Session | undefined; answer: Answer | null }> {
  let session = open;
  for (let attempt = 1; attempt <= 2; attempt += 1) {
    session ??= client.session(client.spec.database, work.signal, { settings: checkSettings });
    try {
      return { session, answer: await session.try(check.sql) };
    } catch (error) {
      work.signal.throwIfAborted();
      await session.close();
      session = undefined;
      const reached = await reach(client, work.signal);
      if ('why' in reached) throw error;
    }
  }
  return { session: undefined, answer: null };
}

/** Many indexes of one kind would fill the report. */
function bounded(gaps: readonly string[]): string[] {
  const most = 50;
  return gaps.length <= most
    ? [...gaps]
    : [...gaps.slice(0, most - 1), `And ${gaps.length - most + 1} more.`];
}
