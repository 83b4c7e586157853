/** Starts, once for a whole test run, the real servers that test files share, and stops them after it. */
import path from 'node:path';

import type { TestProject } from 'vitest/node';

import { temporaryDirectory } from '../../tools/lib/directories.ts';
import { startPostgres } from '../../tools/servers/postgres.ts';
import { startTemporalDevServer } from '../../tools/servers/temporal.ts';
import { startVersitygw } from '../../tools/servers/versitygw.ts';
import './servers.ts';

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const directory = await temporaryDirectory();
  // Whatever the tests put into the temporary directory goes with this one, also when a worker of vitest is killed.
  process.env['TMPDIR'] = directory;
  const [temporal, postgres, s3] = await Promise.all([
    startTemporalDevServer({ directory: path.join(directory, 'temporal') }),
    startPostgres({ directory: path.join(directory, 'postgres') }),
    startVersitygw({ directory: path.join(directory, 's3') }),
  ]);
  const { address, namespace } = temporal;
  const { host, port, socketDirectory, user, password, binaries, logFile } = postgres;
  const { endpoint, accessKeyId, secretAccessKey, region, dataDirectory } = s3;
  project.provide('servers', {
    temporal: { address, namespace },
    postgres: { host, port, socketDirectory, user, password, binaries, logFile },
    s3: { endpoint, accessKeyId, secretAccessKey, region, dataDirectory },
  });
  return async () => {
    await Promise.all([temporal.stop(), postgres.stop(), s3.stop()]);
  };
}
