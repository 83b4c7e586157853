/** Temporal's time-skipping test server: 72 hours pass in a fraction of a second. */
import { existsSync } from 'node:fs';
import { copyFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { cacheDirectory, installOnce } from '../lib/cache.ts';
import { onPath } from '../lib/find.ts';
import { run } from '../lib/run.ts';
import type { Say } from './say.ts';

/** The version pinned in time-skipping/pom.xml. */
const VERSION = '1.30.1';

const WRAPPER = `#!/bin/sh
# Started by the Temporal SDK as its test server; the arguments (the port) are the SDK's.
exec java -cp "$(dirname "$0")/lib/*" io.temporal.testserver.TestServer "$@"
`;

/**
 * Path of a script that starts the server from its jars, fetched once by Maven; undefined where Java or Maven is
 * missing: the Temporal SDK then downloads the server by itself.
 */
export async function ensureTimeSkipping(say: Say): Promise<string | undefined> {
  const name = `temporal-test-server-${VERSION}`;
  const installed = path.join(cacheDirectory(), name, 'temporal-test-server');
  if (onPath('java') === undefined) return undefined;
  if (existsSync(installed)) return installed;
  const maven = onPath('mvn');
  if (maven === undefined) return undefined;
  await installOnce({
    name,
    say,
    how: 'fetching its jars with Maven (about 10 seconds)',
    build: async (staging) => {
      const pom = path.join(staging, 'pom.xml');
      await copyFile(path.join(import.meta.dirname, 'time-skipping', 'pom.xml'), pom);
      await run(maven, [
        '--batch-mode',
        '--quiet',
        `--file=${pom}`,
        'dependency:copy-dependencies',
        `-DoutputDirectory=${path.join(staging, 'lib')}`,
      ]);
      await writeFile(path.join(staging, 'temporal-test-server'), WRAPPER, { mode: 0o755 });
    },
  });
  return installed;
}
