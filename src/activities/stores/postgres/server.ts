/** Facts about the server that decide how the rest is done. */
import type { Client } from './client.ts';

export interface Server {
  /** As a person says it: `15.18`. */
  version: string;
  /** `server_version_num`: 150018. */
  number: number;
  major: number;
  isSuperuser: boolean;
  /** Whether this server was built to compress its log with LZ4 (PostgreSQL 15 and newer). */
  hasLz4: boolean;
}

export async function askServer(
  client: Client,
  signal: AbortSignal,
  database = client.maintenance,
): Promise<Server> {
  const facts = await client.json<Omit<Server, 'major'>>(
    database,
    `SELECT json_build_object('version', split_part(current_setting('server_version'), ' ', 1),
       'number', current_setting('server_version_num')::int,
       'isSuperuser', (SELECT rolsuper FROM pg_roles WHERE rolname = current_user),
       'hasLz4', coalesce((SELECT 'lz4' = ANY (enumvals) FROM pg_settings WHERE name = 'wal_compression'), false))`,
    signal,
  );
  return { ...facts, major: Math.trunc(facts.number / 10_000) };
}
