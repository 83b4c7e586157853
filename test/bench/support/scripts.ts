/** The other side of a ratio: the plain script that does the same job. */
import path from 'node:path';
import type { PreparedDemo } from '../../../demo/prepare.ts';
import { run } from '../../../tools/lib/run.ts';
import { readFile } from 'node:fs/promises';
import type { S3Server } from '../../../tools/servers/versitygw.ts';

const directory = path.join(import.meta.dirname, '..', 'scripts');

/** Runs one of test/bench/scripts to its end; fails with what it said. */
export async function script(
  name: string,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  await run(path.join(directory, name), args, { env });
}

/** How libpq's programs reach a shop's database. */
export async function libpq(demo: PreparedDemo, database = 'shop'): Promise<Record<string, string>> {
  const password = await readFile(path.join(demo.root, 'keys', 'postgres.password'), 'utf8');
  return {
    PGHOST: '127.0.0.1',
    PGPORT: String(demo.ports.postgres),
    PGUSER: 'postgres',
    PGPASSWORD: password.trim(),
    PGDATABASE: database,
  };
}

/** How rclone reaches the S3 server, as the remote `s3:`. */
export function rclone(s3: S3Server): Record<string, string | undefined> {
  return {
    // rclone 1.60 refuses to start with it, even where no certificate is needed.
    AWS_CA_BUNDLE: undefined,
    RCLONE_CONFIG_S3_TYPE: 's3',
    RCLONE_CONFIG_S3_PROVIDER: 'Other',
    RCLONE_CONFIG_S3_ENDPOINT: s3.endpoint,
    RCLONE_CONFIG_S3_REGION: s3.region,
    RCLONE_CONFIG_S3_ACCESS_KEY_ID: s3.accessKeyId,
    RCLONE_CONFIG_S3_SECRET_ACCESS_KEY: s3.secretAccessKey,
    RCLONE_CONFIG_S3_FORCE_PATH_STYLE: 'true',
  };
}
