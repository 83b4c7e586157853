/** From what single checks said to what is wrong with the database. Pure. */
import type { DamageReport } from '../../../contract.ts';
import type { SqlError } from '../session.ts';
import type { Relation } from './relations.ts';

export type Finding = DamageReport['findings'][number];
export type Verdict = DamageReport['verdict'];

export interface Checked {
  relation: Relation;
  /** What the check was about: the rows of a table, or the structure of an index. */
  error: SqlError;
}

/**
 * SQLSTATEs that speak of damage: corrupted data or index, a block or file that cannot be read, and internal errors, which is
 * what reading nonsense ends in.
 */
const damageStates = new Set(['XX000', 'XX001', 'XX002', '58030', '58P01']);
/**
 * Values that cannot be what was stored: reading a table gives no such error while it is whole. A lack of memory (53200) is
 * not among them: it says something of the server, and must never start a restore.
 */
const nonsenseStates = new Set(['22021', '22P02', '22P03', '54000']);

export function speaksOfDamage({ sqlState, message }: SqlError): boolean {
  return (
    damageStates.has(sqlState) ||
    nonsenseStates.has(sqlState) ||
    /could not read block|invalid page/.test(message)
  );
}

/** The relation whose file a message names ("invalid page in block 5 of relation base/16384/16390"), else the one looked at. */
export function blamed({ relation, error }: Checked, relations: readonly Relation[]): Relation {
  const file = /(?:base\/\d+|global|pg_tblspc\/\d+\/[^/]+\/\d+)\/(\d+)/.exec(error.message)?.[1];
  return relations.find((candidate) => file !== undefined && candidate.file === Number(file)) ?? relation;
}

export function findingOf(checked: Checked, relations: readonly Relation[]): Finding & { oid: number } {
  const relation = blamed(checked, relations);
  const isMissingChunk = /missing chunk|unexpected chunk|toast value/.test(checked.error.message);
  const kind = relation.isSystem
    ? 'catalog'
    : relation.kind === 'index'
      ? 'index'
      : relation.kind === 'toast' || isMissingChunk
        ? 'toast'
        : 'heap';
  return {
    relation: relation.name,
    kind,
    message: `${checked.error.message} (${checked.error.sqlState})`,
    oid: relation.oid,
  };
}

/**
 * Damage of system tables outweighs damage of rows, which outweighs damage of indexes. Rows whose long values are not found
 * only because the index of their toast table is damaged, while that table itself was read through, count as index damage.
 */
export function judge(
  findings: readonly (Finding & { oid: number })[],
  relations: readonly Relation[],
): { verdict: Verdict; indexes: string[] } {
  const byOid = new Map(relations.map((relation) => [relation.oid, relation]));
  const indexes = findings.filter(({ kind }) => kind === 'index').map(({ relation }) => relation);
  const damagedToast = new Set(
    findings
      .filter(({ kind, oid }) => kind === 'toast' && byOid.get(oid)?.kind === 'toast')
      .map(({ oid }) => oid),
  );
  const curable = (finding: Finding & { oid: number }): boolean => {
    if (finding.kind === 'index') return true;
    const toast = relations.find(({ kind, belongsTo }) => kind === 'toast' && belongsTo === finding.oid);
    if (finding.kind !== 'toast' || !toast || damagedToast.has(toast.oid)) return false;
    return findings.some(({ kind, oid }) => kind === 'index' && byOid.get(oid)?.belongsTo === toast.oid);
  };
  if (findings.some(({ kind }) => kind === 'catalog')) return { verdict: 'catalog', indexes: [] };
  if (findings.some((finding) => !curable(finding))) return { verdict: 'heap', indexes: [] };
  return indexes.length > 0
    ? { verdict: 'index', indexes: [...new Set(indexes)] }
    : { verdict: 'healthy', indexes: [] };
}
