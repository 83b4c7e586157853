/** What a database itself is like (encoding, owner, privileges, settings), and the statements that make another like it. */
import type { PostgresContents } from '../../backups/manifest.ts';
import type { Client } from './client.ts';
import { readMark } from './marks.ts';
import { identifier, literal } from './quote.ts';
import { askServer } from './server.ts';

export type Properties = PostgresContents['database'];

/** Of a database that is there; null when there is none of that name. */
export async function readProperties(
  client: Client,
  database: string,
  signal: AbortSignal,
): Promise<Properties | null> {
  const { major } = await askServer(client, signal);
  const found = await client.json<Properties | null>(
    client.maintenance,
    propertiesSql(database, major),
    signal,
  );
  if (!found) return null;
  const mark = readMark(found.comment);
  return mark ? { ...found, comment: mark.comment } : found;
}

function propertiesSql(database: string, major: number): string {
  const provider = major >= 15 ? 'd.datlocprovider' : `'c'`;
  const locale = major >= 17 ? 'd.datlocale' : major >= 15 ? 'd.daticulocale' : 'NULL';
  const icuRules = major >= 16 ? 'd.daticurules' : 'NULL';
  return `
SELECT coalesce((SELECT json_build_object('owner', pg_get_userbyid(d.datdba), 'encoding', pg_encoding_to_char(d.encoding),
  'collate', d.datcollate, 'ctype', d.datctype, 'provider', ${provider}, 'locale', ${locale}, 'icuRules', ${icuRules},
  'connectionLimit', greatest(d.datconnlimit, -1), 'comment', shobj_description(d.oid, 'pg_database'),
  'grants', CASE WHEN d.datacl IS NOT NULL THEN (
    SELECT coalesce(json_agg(json_build_object('grantee', CASE WHEN x.grantee = 0 THEN '' ELSE pg_get_userbyid(x.grantee) END,
      'privilege', x.privilege_type, 'grantable', x.is_grantable) ORDER BY x.grantee, x.privilege_type), '[]')
    FROM aclexplode(d.datacl) x) END,
  'settings', (SELECT coalesce(json_agg(json_build_object('role', CASE WHEN s.setrole <> 0 THEN pg_get_userbyid(s.setrole) END,
      'name', split_part(item, '=', 1), 'value', substr(item, strpos(item, '=') + 1)) ORDER BY s.setrole, ord), '[]')
    FROM pg_db_role_setting s, unnest(s.setconfig) WITH ORDINALITY AS u(item, ord) WHERE s.setdatabase = d.oid))
FROM pg_database d WHERE d.datname = ${literal(database)}), 'null')`;
}

/** From template0, which nobody has changed: the only one that lets encoding and locale be chosen. */
export function createStatement(database: string, properties: Properties, major: number): string {
  const { owner, encoding, collate, ctype, provider, locale, icuRules } = properties;
  const options = [
    `OWNER ${identifier(owner)}`,
    'TEMPLATE template0',
    `ENCODING ${literal(encoding)}`,
    `LC_COLLATE ${literal(collate)}`,
    `LC_CTYPE ${literal(ctype)}`,
  ];
  if (major >= 15) options.push(`LOCALE_PROVIDER ${{ c: 'libc', i: 'icu', b: 'builtin' }[provider]}`);
  if (provider === 'i' && locale !== null) options.push(`ICU_LOCALE ${literal(locale)}`);
  if (provider === 'b' && locale !== null) options.push(`BUILTIN_LOCALE ${literal(locale)}`);
  if (icuRules !== null) options.push(`ICU_RULES ${literal(icuRules)}`);
  return `CREATE DATABASE ${identifier(database)} ${options.join(' ')};`;
}

/** Privileges, settings and connection limit: given once it is loaded, since a setting could disturb the loading. */
export function likenessStatements(database: string, properties: Properties): string[] {
  const target = identifier(database);
  const statements = [`ALTER DATABASE ${target} CONNECTION LIMIT ${String(properties.connectionLimit)};`];
  for (const { role, name, value } of properties.settings) {
    const subject = role === null ? `DATABASE ${target}` : `ROLE ${identifier(role)} IN DATABASE ${target}`;
    statements.push(`ALTER ${subject} SET ${settingName(name)} TO ${settingValue(name, value)};`);
  }
  if (properties.grants === null) return statements;
  statements.push(
    `REVOKE ALL ON DATABASE ${target} FROM PUBLIC;`,
    `REVOKE ALL ON DATABASE ${target} FROM ${identifier(properties.owner)};`,
  );
  for (const { grantee, privilege, grantable } of properties.grants) {
    const to = grantee === '' ? 'PUBLIC' : identifier(grantee);
    statements.push(
      `GRANT ${privilege} ON DATABASE ${target} TO ${to}${grantable ? ' WITH GRANT OPTION' : ''};`,
    );
  }
  return statements;
}

/** Settings whose value is a list of names, stored with quotes where needed: each is given as a constant of its own. */
const lists = new Set([
  'search_path',
  'temp_tablespaces',
  'local_preload_libraries',
  'session_preload_libraries',
  'shared_preload_libraries',
  'unix_socket_directories',
]);

function settingName(name: string): string {
  return name.split('.').map(identifier).join('.');
}

function settingValue(name: string, value: string): string {
  if (!lists.has(name.toLowerCase())) return literal(value);
  const names = [...value.matchAll(/"((?:[^"]|"")*)"|[^",\s]+/g)].map(
    ([whole, quoted]) => quoted?.replaceAll('""', '"') ?? whole,
  );
  return names.length === 0 ? `''` : names.map(literal).join(', ');
}
