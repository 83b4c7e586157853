/**
 * Makes `npm test`, `npm run demo` and the other scripts work straight after `git clone`, started by any Node >= 20.
 *
 *   node tools/bootstrap.mjs demo/demo.ts --flag     a script of ours, run by the project's own Node 24
 *   node tools/bootstrap.mjs eslint .                a command of node_modules/.bin, run by the same Node
 *
 * Plain JavaScript on built-ins alone: it runs before anything is installed.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const binaries = path.join(root, 'node_modules', '.bin');

/** The `packages` table of a lock file, or undefined when there is none to read. */
function lockedPackages(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages ?? {};
  } catch {
    return undefined;
  }
}

/**
 * Why the dependencies must be installed, or undefined when they match the lock file. npm writes what it installed
 * to node_modules/.package-lock.json; contents are compared, because a checkout or a copy changes the times of files.
 */
function reasonToInstall() {
  const wanted = lockedPackages(path.join(root, 'package-lock.json'));
  const installed = lockedPackages(path.join(root, 'node_modules', '.package-lock.json'));
  if (installed === undefined) return 'not installed yet';
  for (const [name, entry] of Object.entries(wanted ?? {})) {
    if (name === '' || entry.optional || entry.devOptional || entry.peer || entry.link) continue;
    if (installed[name]?.version !== entry.version) return `${name} ${entry.version} is missing`;
  }
  return existsSync(path.join(binaries, 'node')) || ownNodeIsEnough() ? undefined : 'Node 24 is missing';
}

function ownNodeIsEnough() {
  return Number(process.versions.node.split('.')[0]) >= 24;
}

function install(reason) {
  const started = Date.now();
  console.error(`bootstrap: installing the npm packages (${reason}) ...`);
  for (const command of [
    ['ci', '--no-audit', '--no-fund'],
    ['install', '--no-audit', '--no-fund'],
  ]) {
    // stdout goes to our stderr, so that the output of the real command stays clean.
    const { status } = spawnSync('npm', command, { cwd: root, stdio: ['ignore', 2, 2] });
    if (status === 0) {
      console.error(`bootstrap: installed in ${((Date.now() - started) / 1000).toFixed(1)} s`);
      return;
    }
    console.error(`bootstrap: npm ${command[0]} failed (exit ${status ?? 'none'})`);
  }
  console.error(
    'bootstrap: the npm packages could not be installed. Run `npm ci` by hand and read its messages.',
  );
  process.exit(1);
}

/** The Node that runs TypeScript directly: the pinned one of node_modules, else this one when it is new enough. */
function projectNode() {
  const pinned = path.join(binaries, 'node');
  if (existsSync(pinned)) return pinned;
  if (ownNodeIsEnough()) return process.execPath;
  console.error(
    `bootstrap: Node 24 or newer is needed; this is ${process.version} and node_modules/.bin/node is missing.\n` +
      'The npm package "node" brings it, unless install scripts are switched off: run `npm rebuild node`.',
  );
  process.exit(1);
}

const [target, ...args] = process.argv.slice(2);
if (target === undefined) {
  console.error('usage: node tools/bootstrap.mjs <script.ts | command of node_modules/.bin> [arguments]');
  process.exit(2);
}

const reason = reasonToInstall();
if (reason !== undefined) install(reason);

const isScript = /\.(ts|mjs|js)$/.test(target);
const script = isScript ? path.resolve(root, target) : path.join(binaries, target);
if (!existsSync(script)) {
  console.error(`bootstrap: there is no ${path.relative(root, script)}`);
  process.exit(1);
}

const child = spawn(projectNode(), [script, ...args], {
  stdio: 'inherit',
  env: { ...process.env, PATH: `${binaries}${path.delimiter}${process.env.PATH ?? ''}` },
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    // A terminal sends Ctrl-C to the whole group: the child has it already.
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
  });
}
child.on('error', (error) => {
  console.error(`bootstrap: ${target} could not be started: ${error.message}`);
  process.exit(1);
});
child.on('exit', (code, signal) => {
  if (signal === null) process.exit(code ?? 1);
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
});
