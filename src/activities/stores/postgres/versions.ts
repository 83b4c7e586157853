/** Versions of PostgreSQL's own programs: which will do for a server, and which must not read an untrusted archive. */

export interface Version {
  major: number;
  minor: number;
}

/** Of what `--version` prints: `pg_restore (PostgreSQL) 15.18 (Debian …)`, `18beta1`. Null when there is none in it. */
export function parseVersion(printed: string): Version | null {
  const found = /\(PostgreSQL\)\s+(\d+)(?:\.(\d+))?/.exec(printed);
  return found ? { major: Number(found[1]), minor: Number(found[2] ?? 0) } : null;
}

/**
 * The first release of each major whose pg_restore cannot be made to run code by the archive it reads (CVE-2026-116314,
 * from PostgreSQL's security page). Majors before 14 get no fixes any more; those after 18 were born with it.
 */
const firstSafe: Readonly<Record<number, number>> = { 14: 25, 15: 20, 16: 16, 17: 12, 18: 7 };

export function readsUntrustedArchives({ major, minor }: Version): boolean {
  if (major > 18) return true;
  const first = firstSafe[major];
  return first !== undefined && minor >= first;
}

export const safeVersions = Object.entries(firstSafe)
  .map(([major, minor]) => `${major}.${minor}`)
  .join(', ');
