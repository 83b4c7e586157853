import { access, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { CancelledFailure } from '@temporalio/activity';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';

import { resolveSecret } from '../../src/activities/secrets.ts';
import { commandFailure, effect, StallGuard, withProbe, withWork } from '../../src/activities/work.ts';
import type { Progress } from '../../src/activities/call.ts';
import { run } from '../../src/exec/index.ts';
import { temporaryDirectory, waitUntil } from '../support/servers.ts';
import { call, planning, quietEnvironment } from './support.ts';

test('while it works an activity beats by itself, with what it told last, and no longer', async () => {
  const environment = quietEnvironment();
  const beats: (Progress | undefined)[] = [];
  environment.on('heartbeat', (details?: Progress) => beats.push(details));
  await environment.run(async () => {
    await withWork(call, async (work) => {
      work.progress({ note: 'half', done: 1, total: 2 });
      await waitUntil(() => beats.filter((beat) => beat?.note === 'half').length >= 2);
      work.progress({ note: 'all', done: 2, total: 2 });
    });
  });
  const atEnd = beats.length;
  expect(beats.at(-1)).toEqual({ note: 'all', done: 2, total: 2 });
  await sleep(1500);
  expect(beats).toHaveLength(atEnd);
});

test('a cancelled activity ends its command and is cancelled, not failed', async () => {
  const environment = quietEnvironment();
  const running = environment.run(async () => {
    await withProbe(async ({ signal }) => await run({ argv: ['sleep', '600'], timeoutMs: 600_000 }, signal));
  });
  environment.cancel();
  await expect(running).rejects.toBeInstanceOf(CancelledFailure);
});

test('a command that fails unexplained still is a failure with command and last lines', async () => {
  const failing = quietEnvironment().run(async () => {
    await withProbe(
      async ({ signal }) =>
        await run({ argv: ['sh', '-c', 'echo why >&2; exit 2'], timeoutMs: 10_000 }, signal),
    );
  });
  await expect(failing).rejects.toMatchObject({
    type: 'CommandFailed',
    message: expect.stringContaining('why') as string,
  });
});

test('an effect looks, plans, acts, and does nothing twice', async () => {
  const file = path.join(await temporaryDirectory(), 'made');
  const exists = async () =>
    await access(file).then(
      () => true,
      () => false,
    );
  const make = effect<string, string>(() => ({
    observe: async (path) =>
      (await exists()) ? { done: path } : { todo: [`touch -- ${path}`], foreseen: path },
    act: async (path) => {
      await writeFile(path, '');
      return path;
    },
  }));
  const activity = async (as: typeof call) => await quietEnvironment().run(make, file, as);
  expect(await activity(planning)).toEqual({
    result: file,
    performed: false,
    commands: [`touch -- ${file}`],
  });
  expect(await exists()).toBe(false);
  expect(await activity(call)).toMatchObject({ performed: true });
  expect(await activity(call)).toEqual({ result: file, performed: false, commands: [] });
});

test('a transfer is given up when no byte moves, and not while bytes do', async () => {
  const guard = new StallGuard(new AbortController().signal, { afterMs: 400, what: 'The upload of main' });
  for (let piece = 0; piece < 8; piece += 1) {
    await sleep(100);
    guard.moved(10);
  }
  expect(guard.signal.aborted).toBe(false);
  const error: unknown = await run({ argv: ['sleep', '600'], timeoutMs: 600_000 }, guard.signal).catch(
    (thrown: unknown) => thrown,
  );
  const explained = commandFailure(error, { what: 'The upload failed' });
  expect(explained).toMatchObject({ type: 'Unreachable', nonRetryable: false });
  expect(explained.message).toContain('The upload of main stalled: not a byte for 0.4 s, after 80 bytes');
});

test('what can never work is not tried again; what may is', async () => {
  const failure = async (command: Parameters<typeof run>[0]) =>
    commandFailure(await run(command).catch((thrown: unknown) => thrown), {
      what: 'The dump of main failed',
      hint: 'Look.',
    });
  const timeoutMs = 10_000;
  expect(await failure({ argv: ['no-such-program'], timeoutMs })).toMatchObject({
    type: 'ConfigurationError',
    nonRetryable: true,
  });
  expect(await failure({ argv: ['true'], directory: '/no/such', timeoutMs })).toMatchObject({
    nonRetryable: true,
  });
  const failed = await failure({ argv: ['sh', '-c', 'echo disk full >&2; exit 1'], timeoutMs });
  expect(failed).toMatchObject({ type: 'CommandFailed', nonRetryable: false });
  expect(failed.message.split('\n')).toEqual([
    'The dump of main failed. The command failed (exit code 1).',
    "Command: sh -c 'echo disk full >&2; exit 1'",
    'Last lines:',
    '  disk full',
    'Next: Look.',
  ]);
});

test('secrets come from the environment or a file, less one line break; nothing else of them is changed', async () => {
  const file = path.join(await temporaryDirectory(), 'secret');
  await writeFile(file, ' spaced \n\n');
  process.env['TEST_SECRET'] = 'from the environment';
  expect(await resolveSecret('env:TEST_SECRET')).toBe('from the environment');
  expect(await resolveSecret(`file:${file}`)).toBe(' spaced \n');
});

test.each(['env:TEST_SECRET_UNSET', 'file:/no/such/secret', 'k8s:jarvis/password', 'vault:kv/db#password'])(
  'a secret that cannot be had (%s) names its reference and is not tried again',
  async (reference) => {
    const error = await resolveSecret(reference).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ type: 'ConfigurationError', nonRetryable: true });
    expect((error as Error).message).toContain(reference.slice(reference.indexOf(':') + 1));
  },
);

test('a secret written where its reference belongs is not repeated', async () => {
  const error = (await resolveSecret('hunter2:password').catch((thrown: unknown) => thrown)) as Error;
  expect(error.message).not.toContain('hunter2');
});
