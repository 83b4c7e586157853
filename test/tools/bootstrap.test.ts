import { cp, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import path from 'node:path';

import { beforeEach, expect, test } from 'vitest';

import { CommandFailed, run } from '../../tools/lib/run.ts';
import { temporaryDirectory } from '../support/servers.ts';

const root = path.dirname(path.dirname(import.meta.dirname));
let project: string;

/** A project of one script, a lock file with one package, and a stand-in for npm that installs as told. */
beforeEach(async () => {
  project = await temporaryDirectory();
  await mkdir(path.join(project, 'tools'));
  await cp(path.join(root, 'tools', 'bootstrap.mjs'), path.join(project, 'tools', 'bootstrap.mjs'));
  await writeFile(path.join(project, 'package.json'), '{"type":"module"}');
  await lock('1.0.0');
  await writeFile(
    path.join(project, 'main.ts'),
    `const words: string[] = process.argv.slice(2);
     console.log(process.version.split('.')[0], (process.env.PATH ?? '').split(':')[0], ...words);
     process.exitCode = 7;`,
  );
  await mkdir(path.join(project, 'fake'));
  await writeFile(
    path.join(project, 'fake', 'npm'),
    `#!/bin/sh
echo "$1" >> npm.log
echo installing
[ "$1" = "$FAIL_ON" ] && exit 1
mkdir -p node_modules/.bin
cp package-lock.json node_modules/.package-lock.json
ln -sf "$NODE_TO_LINK" node_modules/.bin/node
`,
    { mode: 0o755 },
  );
});

async function lock(version: string): Promise<void> {
  await writeFile(
    path.join(project, 'package-lock.json'),
    JSON.stringify({ packages: { '': {}, 'node_modules/one': { version } } }),
  );
}

/** Runs the script through bootstrap under the plain `node` of PATH; resolves with stdout of a run that ended with 7. */
async function bootstrap(...args: string[]): Promise<string> {
  return await run(process.execPath, ['tools/bootstrap.mjs', ...args], {
    cwd: project,
    env: {
      PATH: `${path.join(project, 'fake')}:${process.env['PATH'] ?? ''}`,
      NODE_TO_LINK: process.execPath,
      FAIL_ON: failOn,
    },
  }).then(
    () => 'ended with 0',
    (error: unknown) => {
      if (error instanceof CommandFailed && error.exitCode === 7) return error.stdout;
      throw error;
    },
  );
}
let failOn: string | undefined;
const installs = async () =>
  existsSync(path.join(project, 'npm.log'))
    ? (await readFile(path.join(project, 'npm.log'), 'utf8')).trim().split('\n')
    : [];

test('installs once, passes arguments, exit code and PATH on, and keeps stdout clean', async () => {
  const expected = `v24 ${path.join(project, 'node_modules', '.bin')} --flag a b\n`;
  expect(await bootstrap('main.ts', '--flag', 'a b')).toBe(expected);
  expect(await bootstrap('main.ts', '--flag', 'a b')).toBe(expected);
  expect(await installs()).toEqual(['ci']);
});

test('installs again when the lock file asks for another version', async () => {
  await bootstrap('main.ts');
  await lock('1.0.1');
  await bootstrap('main.ts');
  expect(await installs()).toEqual(['ci', 'ci']);
});

test('falls back to npm install, and gives up with one clear line', async () => {
  failOn = 'ci';
  await bootstrap('main.ts');
  expect(await installs()).toEqual(['ci', 'install']);
  await rm(path.join(project, 'node_modules'), { recursive: true });
  await writeFile(path.join(project, 'fake', 'npm'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
  await expect(bootstrap('main.ts')).rejects.toThrow('Run `npm ci` by hand');
  failOn = undefined;
});

test('runs a command of node_modules/.bin, and says so when there is none', async () => {
  await bootstrap('main.ts');
  await symlink(path.join(project, 'main.ts'), path.join(project, 'node_modules', '.bin', 'tool'));
  expect(await bootstrap('tool', '.')).toMatch(/^v24 .* \.\n$/);
  await expect(bootstrap('missing')).rejects.toThrow('there is no node_modules/.bin/missing');
});
