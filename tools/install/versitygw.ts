/** versitygw: a real S3 server in one binary, over a plain directory. */
import { existsSync } from 'node:fs';
import path from 'node:path';

import { cacheDirectory, installOnce } from '../lib/cache.ts';
import { onPath } from '../lib/find.ts';
import { run } from '../lib/run.ts';
import type { Say } from './say.ts';

const VERSION = 'v1.8.0';

/**
 * Path of versitygw: PATH, else the cache, else built by Go.
 * @throws Error that names the ways to get one.
 */
export async function ensureVersitygw(say: Say): Promise<string> {
  const found = onPath('versitygw');
  if (found !== undefined) return found;
  const name = `versitygw-${VERSION}`;
  const installed = path.join(cacheDirectory(), name, 'versitygw');
  if (existsSync(installed)) return installed;
  const go = onPath('go');
  if (go === undefined) {
    throw new Error(
      `versitygw (the S3 server of tests and demo) is not there, and Go, which would build it, is missing too.\n` +
        `Install Go 1.24 or newer, or put the versitygw ${VERSION} binary on PATH: https://github.com/versity/versitygw/releases`,
    );
  }
  await installOnce({
    name,
    say,
    how: 'building it with Go (about 2 minutes)',
    build: async (staging) => {
      await run(
        go,
        ['install', '-ldflags', '-s -w', `github.com/versity/versitygw/cmd/versitygw@${VERSION}`],
        { env: { GOBIN: staging, GOFLAGS: undefined }, timeoutMs: 1_800_000 },
      );
    },
  });
  return installed;
}
