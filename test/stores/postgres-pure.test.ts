import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { judge, type Finding } from '../../src/activities/stores/postgres/damage/verdict.ts';
import type { Relation } from '../../src/activities/stores/postgres/damage/relations.ts';
import { openClient } from '../../src/activities/stores/postgres/client.ts';
import {
  drillName,
  isLoadingName,
  loadingName,
  replacedName,
  restoringName,
} from '../../src/activities/stores/postgres/names.ts';
import { connectionTo, identifier, literal } from '../../src/activities/stores/postgres/quote.ts';
import { parseVersion, readsUntrustedArchives } from '../../src/activities/stores/postgres/versions.ts';
import { type PostgresServer, startPostgres, temporaryDirectory } from '../support/servers.ts';
import { type Bench, password, prepare, workOf } from './postgres-support.ts';

const execute = promisify(execFile);
let server: PostgresServer;
let bench: Bench;

beforeAll(async () => {
  const directory = await temporaryDirectory();
  server = await startPostgres({ directory: `${directory}/postgres`, password });
  bench = await prepare(server, `${directory}/work`);
});

afterAll(async () => {
  await server.stop();
});

/** Any text PostgreSQL can hold, with much of what breaks quoting. */
const text = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        "'",
        '"',
        '\\',
        '$$',
        ';',
        '--',
        '/*',
        '\n',
        '\r',
        '\t',
        ':x',
        ":'x'",
        '\\!',
        '\\;',
        '`id`',
        '=',
        'é',
        '\u202e',
        '😀',
        ' ',
        'E',
        "\\'",
        '-',
      ),
      fc.string({ maxLength: 4 }),
    ),
  )
  .map((parts) => parts.join('').replaceAll('\0', ''))
  .filter((whole) => whole.isWellFormed());

describe('quoting, as the server and psql read it', () => {
  test('a value comes back as it went in, whichever way the server reads backslashes', async () => {
    const client = await openClient(bench.request('postgres'), 'quoting');
    const { signal } = workOf('quoting');
    await fc.assert(
      fc.asyncProperty(
        fc.array(text, { minLength: 20, maxLength: 60 }),
        fc.constantFrom('on', 'off'),
        async (values, conforming) => {
          const sql = `SELECT json_build_array(${values.map((value) => `${literal(value)}::text`).join(', ')})`;
          const back = await client.json('postgres', sql, signal, {
            settings: { standard_conforming_strings: conforming },
          });
          expect(back).toEqual(values);
        },
      ),
      { numRuns: 20 },
    );
  });

  test('a name stays one name', async () => {
    const client = await openClient(bench.request('postgres'), 'quoting');
    const names = fc.uniqueArray(
      text.filter((name) => name !== '' && Buffer.byteLength(name) <= 63),
      { minLength: 10, maxLength: 30 },
    );
    await fc.assert(
      fc.asyncProperty(names, async (columns) => {
        const list = columns.map((name, index) => `${index} AS ${identifier(name)}`).join(', ');
        const back = await client.json<Record<string, number>>(
          'postgres',
          `SELECT row_to_json(r.*) FROM (SELECT ${list}) AS r`,
          workOf('q').signal,
        );
        expect(Object.keys(back).sort()).toEqual([...columns].sort());
      }),
      { numRuns: 20 },
    );
  });

  test('a database whose name looks like a connection string or an option is connected to as named', async () => {
    const client = await openClient(bench.request('postgres'), 'quoting');
    const { signal } = workOf('quoting');
    for (const name of ['host=elsewhere', 'postgres://elsewhere/x', `it's \\ odd`, '-h', 'a b']) {
      await server.psql(`create database ${identifier(name)}`);
      expect((await client.psql(name, 'SELECT current_database();', signal)).trimEnd()).toBe(name);
      const { stdout } = await execute(`${server.binaries}/psql`, [
        '-XAtq',
        '-h',
        server.socketDirectory,
        '-p',
        String(server.port),
        '-U',
        'postgres',
        '-d',
        connectionTo(name),
        '-c',
        'select current_database()',
      ]);
      expect(stdout.trimEnd()).toBe(name);
    }
  });

  test('what cannot be quoted is refused', () => {
    expect(() => literal('a\0b')).toThrow(RangeError);
    expect(() => identifier('')).toThrow(RangeError);
    expect(() => identifier('x'.repeat(64))).toThrow(RangeError);
    expect(() => connectionTo('a\0b')).toThrow(RangeError);
  });
});

describe('names of databases', () => {
  test('none is ever cut by the server, or the live one, however long that is', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_$-]{0,62}$/), fc.string(), (database, key) => {
        const made = [
          restoringName(database),
          drillName(database, key),
          loadingName(database, key, '1'),
          replacedName(database, new Date(0)),
        ];
        for (const name of made) expect(Buffer.byteLength(name)).toBeLessThanOrEqual(63);
        expect(new Set([...made, database]).size).toBe(5);
      }),
    );
  });

  test('a step knows the names of its own attempts, and no others', () => {
    for (const database of ['shop', 'x'.repeat(63)]) {
      expect(isLoadingName(loadingName(database, 'key', 'a'), database, 'key')).toBe(true);
      expect(isLoadingName(loadingName(database, 'another', 'a'), database, 'key')).toBe(false);
      expect(isLoadingName(`${database}_loading_0badf00d`, database, 'key')).toBe(false);
    }
  });

  test('two long names that differ at their end stay two', () => {
    const [one, other] = ['a', 'b'].map((end) => restoringName(`${'x'.repeat(62)}${end}`));
    expect(one).not.toBe(other);
  });

  test('the time of a replacement can be read', () => {
    expect(replacedName('shop', new Date('2026-03-04T05:06:07.890Z'))).toBe('shop_replaced_20260304050607');
  });
});

test.each([
  ['pg_restore (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)', false],
  ['pg_restore (PostgreSQL) 15.20', true],
  ['pg_restore (PostgreSQL) 18.6', false],
  ['pg_restore (PostgreSQL) 18.7', true],
  ['pg_restore (PostgreSQL) 17.12', true],
  ['pg_restore (PostgreSQL) 16.15', false],
  ['pg_restore (PostgreSQL) 14.25', true],
  ['pg_restore (PostgreSQL) 13.99', false],
  ['pg_restore (PostgreSQL) 18beta1', false],
  ['pg_restore (PostgreSQL) 19.0', true],
])('%s may read what nobody signed: %s', (printed, safe) => {
  const version = parseVersion(printed);
  expect(version && readsUntrustedArchives(version)).toBe(safe);
});

describe('the verdict', () => {
  const relation = (oid: number, kind: Relation['kind'], belongsTo: number | null = null): Relation => ({
    oid,
    name: `public.r${oid}`,
    kind,
    isSystem: false,
    belongsTo,
    method: null,
    file: oid,
    bytes: 0,
  });
  const relations = [
    relation(1, 'table'),
    relation(2, 'toast', 1),
    relation(3, 'index', 2),
    relation(4, 'index', 1),
  ];
  const finding = (oid: number, kind: Finding['kind']) => ({
    oid,
    kind,
    relation: `public.r${oid}`,
    message: '',
  });
  const verdict = (...findings: ReturnType<typeof finding>[]) => judge(findings, relations);

  test('the worst finding decides, and only indexes are offered for rebuilding', () => {
    expect(verdict()).toEqual({ verdict: 'healthy', indexes: [] });
    expect(verdict(finding(4, 'index'))).toEqual({ verdict: 'index', indexes: ['public.r4'] });
    expect(verdict(finding(4, 'index'), finding(1, 'heap'))).toEqual({ verdict: 'heap', indexes: [] });
    expect(verdict(finding(1, 'heap'), finding(9, 'catalog'))).toEqual({ verdict: 'catalog', indexes: [] });
  });

  test('long values that are not found are curable only if their index is damaged and their table is not', () => {
    expect(verdict(finding(1, 'toast'))).toEqual({ verdict: 'heap', indexes: [] });
    expect(verdict(finding(1, 'toast'), finding(3, 'index'))).toEqual({
      verdict: 'index',
      indexes: ['public.r3'],
    });
    expect(verdict(finding(1, 'toast'), finding(2, 'toast'), finding(3, 'index'))).toEqual({
      verdict: 'heap',
      indexes: [],
    });
    expect(verdict(finding(1, 'toast'), finding(4, 'index'))).toEqual({ verdict: 'heap', indexes: [] });
  });
});
