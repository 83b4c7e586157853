/** Values and names as PostgreSQL reads them. The only way by which anything that is not a constant gets into our SQL. */

/** Bytes of a name that PostgreSQL keeps; it silently cuts the rest off, which would make two names one. */
export const longestName = 63;

/**
 * A string constant. Correct whatever `standard_conforming_strings` is, since a backslash switches to the escape syntax.
 * Throws a RangeError for NUL, which PostgreSQL text cannot hold.
 */
export function literal(value: string): string {
  refuseNul(value);
  const quoted = `'${value.replaceAll("'", "''").replaceAll('\\', '\\\\')}'`;
  return value.includes('\\') ? ` E${quoted}` : quoted;
}

/** A quoted name of a table, column, database or role. RangeError when it is empty, too long or holds NUL. */
export function identifier(name: string): string {
  refuseNul(name);
  if (name === '') throw new RangeError('an empty name');
  if (Buffer.byteLength(name) > longestName)
    throw new RangeError(`a name of more than ${longestName} bytes: ${name}`);
  return `"${name.replaceAll('"', '""')}"`;
}

/** `"schema"."name"`. */
export function qualified(schema: string, name: string): string {
  return `${identifier(schema)}.${identifier(name)}`;
}

/**
 * A connection string that names this database and says nothing else. A bare name would be read as a whole connection
 * string if it held `=` or began with `postgres://` (CVE-2016-5424).
 */
export function connectionTo(database: string): string {
  refuseNul(database);
  return `dbname='${database.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

function refuseNul(value: string): void {
  if (value.includes('\0')) throw new RangeError('PostgreSQL text cannot hold NUL');
}
