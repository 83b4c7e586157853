import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { isRecentVersion } from '../../tools/install/temporal.ts';
import { installOnce } from '../../tools/lib/cache.ts';
import { postgresBinaries } from '../../tools/lib/find.ts';
import { run } from '../../tools/lib/run.ts';
import { temporaryDirectory, waitUntil } from '../support/servers.ts';

const root = path.dirname(path.dirname(import.meta.dirname));
const realCache = process.env['RUNBOOK_CACHE'];
let cache: string;

beforeEach(async () => {
  cache = await temporaryDirectory();
  vi.stubEnv('RUNBOOK_CACHE', cache);
});

afterEach(() => {
  vi.unstubAllEnvs();
});

/** Starts a process that installs `tool-1`: it writes `half`, waits `milliseconds`, writes `whole`. */
function installer(milliseconds: number, build = 'first') {
  const script = `
    import { installOnce } from '${root}/tools/lib/cache.ts';
    import { writeFile } from 'node:fs/promises';
    import { setTimeout as sleep } from 'node:timers/promises';
    const directory = await installOnce({ name: 'tool-1', how: 'building', say: () => undefined, build: async (staging) => {
      await writeFile(staging + '/half', '${build}');
      await sleep(${milliseconds});
      await writeFile(staging + '/whole', '${build}');
    }});
    console.log(directory);`;
  return spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, RUNBOOK_CACHE: cache },
  });
}

test('a build that is killed leaves no tool, and the next one takes over its lock', async () => {
  const killed = installer(60_000);
  await waitUntil(() => existsSync(path.join(cache, 'tool-1.building', 'half')));
  killed.kill('SIGKILL');
  await once(killed, 'exit');
  expect(existsSync(path.join(cache, 'tool-1'))).toBe(false);

  const [code] = (await once(installer(0, 'second'), 'exit')) as [number];
  expect(code).toBe(0);
  expect(await readFile(path.join(cache, 'tool-1', 'whole'), 'utf8')).toBe('second');
  expect(await readdir(cache)).toEqual(['tool-1']);
});

test('of two processes at once one builds, and both have the tool', async () => {
  const first = installer(500, 'first');
  await waitUntil(() => existsSync(path.join(cache, 'tool-1.building', 'half')));
  const second = installer(0, 'second');
  const codes = await Promise.all([once(first, 'exit'), once(second, 'exit')]);
  expect(codes.map(([code]) => code as number)).toEqual([0, 0]);
  expect(await readFile(path.join(cache, 'tool-1', 'whole'), 'utf8')).toBe('first');
  expect(await readdir(cache)).toEqual(['tool-1']);
});

test('a build that fails leaves nothing, and says why', async () => {
  const build = async () => await Promise.reject(new Error('no compiler'));
  await expect(installOnce({ name: 'tool-1', how: 'building', say: () => undefined, build })).rejects.toThrow(
    'no compiler',
  );
  expect(await readdir(cache)).toEqual([]);
});

test.each([
  ['temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)', true],
  ['temporal version 1.4.0 (Server 1.28.0, UI 2.39.0)', true],
  ['temporal version 1.3.2 (Server 1.27.2, UI 2.36.0)', false],
  ['temporal version 2.0.0 (Server 1.40.0, UI 3.0.0)', true],
  ['temporal version 0.0.0-DEV (Server 1.29.1, UI 2.42.1)', true],
  ['temporal version 0.0.0-DEV (Server 1.20.0, UI 2.10.0)', false],
  ['tctl 1.18', false],
])('%s: recent enough: %s', (output, recent) => {
  expect(isRecentVersion(output)).toBe(recent);
});

test('the newest PostgreSQL is found by number, not by spelling, and only if it has a server', async () => {
  const base = await temporaryDirectory();
  for (const [version, programs] of [
    ['9', ['initdb', 'postgres']],
    ['15', ['initdb', 'postgres']],
    ['17', ['pg_dump']],
  ] as const) {
    await mkdir(path.join(base, version, 'bin'), { recursive: true });
    for (const program of programs) {
      await writeFile(path.join(base, version, 'bin', program), '');
      await chmod(path.join(base, version, 'bin', program), 0o755);
    }
  }
  expect(postgresBinaries(base)).toBe(path.join(base, '15', 'bin'));
});

test('a second setup finds everything and says nothing', async () => {
  const setup = path.join(root, 'tools', 'setup.ts');
  const everything = { RUNBOOK_CACHE: realCache };
  await run(process.execPath, [setup, 'test'], { env: everything });
  expect(await run(process.execPath, [setup, 'test'], { env: everything })).toEqual({
    stdout: '',
    stderr: '',
  });
});

test('what is missing is named, with the way to get it', async () => {
  const bare = { PATH: path.dirname(process.execPath), RUNBOOK_CACHE: cache, TEMPORAL_CLI: process.execPath };
  const setup = run(process.execPath, [path.join(root, 'tools', 'setup.ts'), 'demo'], {
    env: bare,
    timeoutMs: 60_000,
  });
  await expect(setup).rejects.toThrow(
    /Install Go 1\.24 or newer, or put the versitygw v1\.8\.0 binary on PATH/,
  );
  await expect(setup).rejects.toThrow(/sudo apt-get install --yes --no-install-recommends/);
});
