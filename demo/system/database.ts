/** PostgreSQL for the demo's programs: a pool that heals by itself when the server restarts or its database is renamed. */
import { readFileSync } from 'node:fs';
import pg from 'pg';

import { setting } from './http.ts';

/** Connections that break are dropped and made anew by the next query; nothing needs a restart. */
export function openDatabase(): pg.Pool {
  const pool = new pg.Pool({
    host: '127.0.0.1',
    port: Number(setting('POSTGRES_PORT')),
    user: setting('POSTGRES_USER'),
    password: readFileSync(setting('POSTGRES_PASSWORD_FILE'), 'utf8').trim(),
    database: setting('POSTGRES_DATABASE'),
    max: 10,
    idleTimeoutMillis: 10_000,
    connectionTimeoutMillis: 3_000,
    statement_timeout: 10_000,
    application_name: setting('PROGRAM'),
  });
  // An idle connection that the server ended; without a listener the process would end with it.
  pool.on('error', (error) => {
    console.error(`PostgreSQL: ${error.message}`);
  });
  return pool;
}

/** Runs the work in one transaction. */
export async function transaction<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query('begin');
    const result = await work(client);
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback').catch((failure: unknown) => {
      broken = failure as Error;
    });
    throw error;
  } finally {
    client.release(broken);
  }
}
