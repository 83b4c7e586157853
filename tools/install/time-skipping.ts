/** Temporal's time-skipping test server: 72 hours pass in a fraction of a second. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { copyFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { cacheDirectory, installOnce } from '../lib/cache.ts';
import { onPath } from '../lib/find.ts';
import { run } from '../lib/run.ts';
import type { Say } from './say.ts';

/** The version pinned in time-skipping/pom.xml. */
const VERSION = '1.30.1';
const POM = path.join(import.meta.dirname, 'time-skipping', 'pom.xml');

/**
 * The SDK starts this with a port, and ends it with its test environment. When the SDK's process is killed nobody is
 * left to do so; the watcher then ends the server within a second. It names processes by pid and start time.
 */
const WRAPPER = `#!/bin/sh
started() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20; }
server=$$
server_started=$(started $server)
parent=$PPID
parent_started=$(started $parent)
if [ -n "$server_started" ]; then
  (
    while [ "$(started $parent)" = "$parent_started" ]; do
      [ "$(started $server)" = "$server_started" ] || exit 0
      sleep 1
    done
    [ "$(started $server)" = "$server_started" ] && kill -KILL $server
  ) </dev/null >/dev/null 2>&1 &
fi
exec java -cp "$(dirname "$0")/lib/*" io.temporal.testserver.TestServer "$@"
`;

/**
 * Path of a script that starts the server from its jars, fetched once by Maven; undefined where Java or Maven is
 * missing: the Temporal SDK then downloads the server by itself.
 */
export async function ensureTimeSkipping(say: Say): Promise<string | undefined> {
  const edition = createHash('sha256').update(WRAPPER).update(readFileSync(POM)).digest('hex').slice(0, 8);
  const name = `temporal-test-server-${VERSION}-${edition}`;
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
      await copyFile(POM, pom);
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
