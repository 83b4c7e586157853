/** SQL through the `psql` command: what a person at the keyboard would see, as rows. */
import { run } from './run.ts';

export interface PsqlConnection {
  /** A host name, an address, or the directory of a unix socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password?: string;
  readonly database: string;
  /** Path of psql; default: the one on PATH. */
  readonly psql?: string;
}

export type Row = Record<string, string | null>;

/** Stands for SQL NULL in psql's output, where an empty field means an empty string. */
const NULL_MARK = '␀';

/**
 * Runs one or more statements in one session and returns the rows of the last one that has any; values are text as
 * PostgreSQL prints them, NULL is null.
 * @throws CommandFailed with psql's message at the first statement that fails.
 */
export async function psql(connection: PsqlConnection, sql: string): Promise<Row[]> {
  const { stdout } = await run(
    connection.psql ?? 'psql',
    [
      '--no-psqlrc',
      '--quiet',
      '--csv',
      `--pset=null=${NULL_MARK}`,
      '--set=ON_ERROR_STOP=1',
      '--set=SHOW_ALL_RESULTS=0',
      '--file=-',
      '--no-password',
    ],
    {
      input: sql,
      env: {
        PGHOST: connection.host,
        PGPORT: String(connection.port),
        PGUSER: connection.user,
        PGPASSWORD: connection.password,
        PGDATABASE: connection.database,
        PGCONNECT_TIMEOUT: '5',
        PGOPTIONS: undefined,
        PGSERVICE: undefined,
      },
    },
  );
  return parseCsv(stdout);
}

/** Reads RFC 4180 text with a header line into rows. */
export function parseCsv(text: string): Row[] {
  const [header, ...records] = csvRecords(text);
  if (header === undefined) return [];
  return records.map((record) =>
    Object.fromEntries(
      header.map((name, column) => [name, record[column] === NULL_MARK ? null : (record[column] ?? null)]),
    ),
  );
}

function csvRecords(text: string): string[][] {
  const records: string[][] = [];
  let record: string[] = [];
  // A field, quoted or plain, and what ends it.
  for (const match of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\n]*))(,|\n|$)/g)) {
    const [whole, quoted, plain, end] = match;
    if (whole === '' && record.length === 0) break;
    record.push(quoted === undefined ? (plain ?? '') : quoted.replaceAll('""', '"'));
    if (end !== ',') {
      records.push(record);
      record = [];
    }
  }
  return records;
}
