import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';

import { type Command, CommandError, isAlive, processStat, run, start } from '../../src/exec/index.ts';
import { temporaryDirectory, waitUntil } from '../support/servers.ts';

const timeoutMs = 30_000;
const node = process.execPath;

async function failureOf(command: Command, signal?: AbortSignal): Promise<CommandError> {
  const error: unknown = await run(command, signal).then(
    () => new Error('it did not fail'),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(CommandError);
  return error as CommandError;
}

/** A wrapper that starts a grandchild, writes both pids to a file and waits; both ignore SIGTERM if asked. */
function family(file: string, options: { deaf?: boolean } = {}): Command['argv'] {
  const deaf = options.deaf === true ? `trap '' TERM; ` : '';
  return ['sh', '-c', `${deaf}sleep 600 & echo "$$ $!" > "$1"; wait; wait`, 'sh', file];
}

async function pidsIn(file: string): Promise<number[]> {
  return await waitUntil(async () => {
    const pids = (await readFile(file, 'utf8')).trim().split(' ').map(Number);
    return pids.length === 2 && pids;
  });
}

const gone = (pid: number) => !isAlive(processStat(pid));

test('every argument arrives as it was given, and no shell reads it', async () => {
  const directory = await temporaryDirectory();
  const hostile = [
    '; rm -rf .',
    '$(touch made)',
    '`touch made`',
    'two\nlines',
    '-n',
    '--',
    '*',
    '',
    "it's",
    '| cat',
    '\u202e',
  ];
  const print = 'console.log(JSON.stringify(process.argv.slice(1)))';
  const { stdout } = await run({ argv: [node, '-e', print, '--', ...hostile], directory, timeoutMs });
  expect(JSON.parse(stdout)).toEqual(hostile);
  await expect(readFile(path.join(directory, 'made'))).rejects.toThrow('ENOENT');
});

test('a NUL in an argument or in the environment is refused before anything starts', async () => {
  const argument = await failureOf({ argv: ['printf', 'safe\0hidden'], timeoutMs });
  expect(argument).toMatchObject({ reason: 'spawn', exitCode: null });
  expect(argument.message).toContain('NUL');
  const environment = await failureOf({ argv: ['env'], environment: { NAME: 'a\0b' }, timeoutMs });
  expect(environment.what).toContain('"NAME"');
});

test('a command sees the allow-listed environment and what it is given, not ours', async () => {
  process.env['LEAKED_TOKEN'] = 'must stay here';
  const { stdout } = await run({ argv: ['env'], environment: { GIVEN: 'yes' }, timeoutMs });
  delete process.env['LEAKED_TOKEN'];
  const names = stdout
    .trim()
    .split('\n')
    .map((line) => line.split('=')[0] ?? '');
  expect(names).toContain('GIVEN');
  expect(stdout).toContain('LC_ALL=C\n');
  expect(
    names.filter((name) => !['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'GIVEN'].includes(name)),
  ).toEqual([]);
});

test('an exit code that is not accepted fails with command, code and last lines; an accepted one is an answer', async () => {
  const argv: Command['argv'] = ['sh', '-c', 'echo out; echo first >&2; echo last >&2; exit 7'];
  const error = await failureOf({ argv, timeoutMs });
  expect(error).toMatchObject({ reason: 'exit', exitCode: 7, signalName: null, lastLines: 'first\nlast' });
  expect(error.command).toContain("'echo out; echo first >&2");
  await expect(run({ argv, timeoutMs, accept: [0, 7] })).resolves.toMatchObject({
    exitCode: 7,
    stdout: 'out\n',
  });
});

test('a program that is not there, cannot be executed, or has no directory to run in is told apart', async () => {
  const directory = await temporaryDirectory();
  const file = path.join(directory, 'data');
  await writeFile(file, 'not a program');
  await expect(failureOf({ argv: ['no-such-program'], timeoutMs })).resolves.toMatchObject({
    reason: 'not-found',
  });
  expect((await failureOf({ argv: [file], timeoutMs })).what).toContain('is not an executable file');
  const nowhere = await failureOf({ argv: ['true'], directory: path.join(directory, 'nowhere'), timeoutMs });
  expect(nowhere).toMatchObject({ reason: 'spawn' });
  expect(nowhere.what).toContain('there is no directory');
});

test('a program given by a relative path is found in its own directory', async () => {
  const directory = await temporaryDirectory();
  await mkdir(path.join(directory, 'bin'));
  await writeFile(path.join(directory, 'bin/hello'), '#!/bin/sh\necho hello\n', { mode: 0o755 });
  await expect(run({ argv: ['bin/hello'], directory, timeoutMs })).resolves.toMatchObject({
    stdout: 'hello\n',
  });
});

test('a flood of output is read to its end, of which only the end is kept', async () => {
  const flood = `for (let i = 0; i < 100_000; i++) process.stderr.write('line ' + i + ' of a program that will not be quiet\\n')`;
  const outcome = await run({ argv: [node, '-e', flood], timeoutMs, keepBytes: 4096 });
  expect(outcome.truncated).toBe(true);
  expect(outcome.stderr).toMatch(/line 99999 of a program that will not be quiet\n$/);
  expect(Buffer.byteLength(outcome.stderr)).toBeLessThanOrEqual(4096);
});

test('what is held of a flood does not grow with it', async () => {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  const flood = `for (let i = 0; i < 50; i++) process.stderr.write('x'.repeat(1024 * 1024)); console.log('done'); setInterval(() => {}, 1000)`;
  collectGarbage();
  const before = process.memoryUsage().arrayBuffers;
  const running = start({ argv: [node, '-e', flood], timeoutMs, keepBytes: 4096 }, undefined, {
    stdout: 'pipe',
  });
  await once(running.stdout!, 'data');
  collectGarbage();
  // 50 MB were printed, and the program still runs.
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 * 1024 * 1024);
  running.stop('enough');
  await expect(running.finished).rejects.toThrow('enough');
});

test('a secret cut in two by what was dropped does not show its second half', async () => {
  const secret = 'correct-horse-battery-staple';
  const print = `process.stdout.write('x'.repeat(1000) + process.argv[1] + 'y'.repeat(90))`;
  for (const keepBytes of [95, 100, 105, 110, 117, 118, 119]) {
    const { stdout } = await run({
      argv: [node, '-e', print, secret],
      timeoutMs,
      keepBytes,
      secrets: [secret],
    });
    expect(stdout).not.toMatch(/staple|battery|horse|[a-x]/);
  }
});

test('secrets are masked in the command, in its output and in the error', async () => {
  const secret = 'hunter2-but-longer';
  const argv: Command['argv'] = [
    'sh',
    '-c',
    `echo "password=$1" >&2; printf %s "user:$1" | base64 >&2; exit 1`,
    'sh',
    secret,
  ];
  const error = await failureOf({ argv, secrets: [secret], timeoutMs });
  const everything = `${error.message} ${error.command} ${error.lastLines} ${error.stack ?? ''}`;
  expect(everything).not.toContain(secret);
  expect(everything).not.toContain(Buffer.from(secret).toString('base64').slice(2, 12));
  expect(everything).not.toContain(Buffer.from(`user:${secret}`).toString('base64').slice(8, 20));
  expect(error.lastLines).toContain('password=***');
});

test('a time-out ends the command and what it started', async () => {
  const file = path.join(await temporaryDirectory(), 'pids');
  const error = await failureOf({ argv: family(file), timeoutMs: 1000 });
  expect(error.reason).toBe('timeout');
  expect((await pidsIn(file)).every(gone)).toBe(true);
});

test('a cancellation ends the command and what it started, and says so', async () => {
  const file = path.join(await temporaryDirectory(), 'pids');
  const controller = new AbortController();
  const failed = failureOf({ argv: family(file), timeoutMs }, controller.signal);
  const pids = await pidsIn(file);
  const reason = new Error('the run was cancelled');
  controller.abort(reason);
  expect(await failed).toMatchObject({ reason: 'cancelled', cause: reason });
  expect(pids.every(gone)).toBe(true);
});

test('a command that ignores SIGTERM is killed, with its family', async () => {
  const file = path.join(await temporaryDirectory(), 'pids');
  const controller = new AbortController();
  const failed = failureOf({ argv: family(file, { deaf: true }), timeoutMs: 60_000 }, controller.signal);
  const pids = await pidsIn(file);
  controller.abort();
  expect(await failed).toMatchObject({ reason: 'cancelled' });
  expect(pids.every(gone)).toBe(true);
});

test('nothing is started once the work is cancelled', async () => {
  const file = path.join(await temporaryDirectory(), 'made');
  const error = await failureOf({ argv: ['touch', file], timeoutMs }, AbortSignal.abort());
  expect(error.reason).toBe('cancelled');
  await expect(readFile(file)).rejects.toThrow('ENOENT');
});

test('something that keeps the output open after the command has ended does not hang us', async () => {
  const argv: Command['argv'] = ['sh', '-c', 'sleep 600 & echo $!'];
  const { stdout } = await run({ argv, timeoutMs });
  const left = Number(stdout);
  // It may be meant to stay (a daemon): it is neither waited for nor killed.
  expect(gone(left)).toBe(false);
  process.kill(left, 'SIGKILL');
});

test('a command that ends without reading its input neither hangs nor breaks us', async () => {
  const stdin = 'x'.repeat(8 * 1024 * 1024);
  await expect(run({ argv: ['true'], stdin, timeoutMs })).resolves.toMatchObject({ exitCode: 0 });
  await expect(run({ argv: ['head', '-c', '3'], stdin, timeoutMs })).resolves.toMatchObject({
    stdout: 'xxx',
  });
});

test('input is given whole', async () => {
  const stdin = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 251));
  const { stdout } = await run({ argv: ['sha256sum'], stdin, timeoutMs });
  const { createHash } = await import('node:crypto');
  expect(stdout.split(' ')[0]).toBe(createHash('sha256').update(stdin).digest('hex'));
});

test('stop ends a started command', async () => {
  const file = path.join(await temporaryDirectory(), 'pids');
  const running = start({ argv: family(file), timeoutMs }, undefined);
  const pids = await pidsIn(file);
  running.stop('no longer needed');
  await expect(running.finished).rejects.toThrow('no longer needed');
  expect(pids.every(gone)).toBe(true);
});

test.runIf(process.getuid?.() === 0)('another account: its uid, its home, and no group of root', async () => {
  const { stdout } = await run({
    argv: ['sh', '-c', 'id -un; id -G; echo $HOME'],
    user: 'nobody',
    timeoutMs,
  });
  const [name, groups, home] = stdout.trim().split('\n');
  expect(name).toBe('nobody');
  expect(groups?.split(' ')).not.toContain('0');
  expect(home).not.toBe(process.env['HOME']);
  expect((await failureOf({ argv: ['id'], user: 'no-such-account', timeoutMs })).what).toContain(
    'no account "no-such-account"',
  );
});

test.each(['SIGKILL', 'SIGTERM', 'exit'])(
  'commands end with the process that runs them (%s)',
  async (end) => {
    const file = path.join(await temporaryDirectory(), 'pids');
    const exec = path.resolve(import.meta.dirname, '../../src/exec/index.ts');
    const program = `
    import { run } from ${JSON.stringify(exec)};
    process.on('SIGTERM', () => process.exit(0));
    process.on('SIGUSR2', () => process.exit(0));
    run({ argv: ${JSON.stringify(family(file))}, timeoutMs: 60000 }).catch(() => {});
  `;
    const worker = spawn(node, ['--input-type=module', '-e', program], { stdio: 'inherit' });
    const [command, grandchild] = (await pidsIn(file)) as [number, number];
    worker.kill(end === 'exit' ? 'SIGUSR2' : (end as NodeJS.Signals));
    await once(worker, 'exit');
    await waitUntil(() => gone(command), { what: 'the command to end with its worker' });
    // After a SIGKILL only the command itself hears of it (from the kernel); otherwise its whole group ends.
    if (end === 'SIGKILL') process.kill(grandchild, 'SIGKILL');
    else await waitUntil(() => gone(grandchild), { what: 'what the command started to end' });
  },
);
