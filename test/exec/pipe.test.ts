import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';

import {
  type Command,
  CommandError,
  isAlive,
  isBrokenPipe,
  liveProcesses,
  processStat,
  start,
  startPiped,
} from '../../src/exec/index.ts';
import { temporaryDirectory, waitUntil } from '../support/servers.ts';

const timeoutMs = 30_000;
const command = (...argv: [string, ...string[]]): Command => ({ argv, timeoutMs });
const shell = (script: string): Command => command('sh', '-c', script);

async function collect(stream: Readable | null): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream ?? []) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

test('bytes go through the whole chain unchanged', async () => {
  const input = Buffer.from(Array.from({ length: 3_000_000 }, (_, index) => (index * 7919) % 256));
  const running = startPiped(
    [command('zstd', '-q', '-c'), command('cat'), command('zstd', '-d', '-q', '-c')],
    undefined,
    {
      stdin: 'pipe',
    },
  );
  const [output] = await Promise.all([
    collect(running.stdout),
    pipeline(Readable.from([input.subarray(0, 1_000_000), input.subarray(1_000_000)]), running.stdin!),
  ]);
  await expect(running.finished).resolves.toMatchObject({ exitCode: 0 });
  const hash = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
  expect(hash(output)).toBe(hash(input));
});

test('nothing is lost when the output is first read long after the program has ended', async () => {
  const running = start(command('seq', '1', '5000'), undefined, { stdout: 'pipe' });
  await running.finished;
  await new Promise((resolve) => setTimeout(resolve, 300));
  const lines = (await collect(running.stdout)).toString().trim().split('\n');
  expect(lines).toHaveLength(5000);
});

test('a slow reader gets everything, and the program waits for it', async () => {
  const running = startPiped([command('head', '-c', '3000000', '/dev/zero'), command('cat')], undefined);
  let bytes = 0;
  for await (const chunk of running.stdout!) {
    bytes += (chunk as Buffer).length;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  expect(bytes).toBe(3_000_000);
});

test.each([
  ['first', [shell('echo half; exit 3'), command('cat'), command('cat')], 'exit 3'],
  ['middle', [command('yes'), shell('head -c 100000; echo broken >&2; exit 4'), command('cat')], 'exit 4'],
  ['last', [command('yes'), command('cat'), shell('head -c 100000; exit 5')], 'exit 5'],
  ['first, killed', [shell('echo half; kill -9 $$'), command('cat')], 'kill -9'],
] as const)(
  'a chain whose %s program fails names it, and its output never ends cleanly',
  async (_, commands, named) => {
    const running = startPiped(commands, undefined);
    await expect(collect(running.stdout)).rejects.toBeInstanceOf(CommandError);
    const error = (await running.finished.catch((thrown: unknown) => thrown)) as CommandError;
    expect(error.command).toContain(named);
  },
);

test('a program that waits for ever is ended when the one it feeds has failed', async () => {
  const running = startPiped([command('sleep', '600'), command('false')], undefined);
  await expect(running.finished).rejects.toMatchObject({ command: 'false', exitCode: 1 });
});

test('a chain with a program that is not there leaves nothing running', async () => {
  const directory = await temporaryDirectory();
  const first = command('sh', '-c', 'sleep 600; true', directory);
  expect(() => startPiped([first, command('no-such-program')], undefined)).toThrow(CommandError);
  const ours = () =>
    liveProcesses().filter(({ pid }) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(directory));
  await waitUntil(() => ours().length === 0, { what: 'the first program to end' });
});

test('a cancellation ends every program of a chain and breaks its output', async () => {
  const controller = new AbortController();
  const running = startPiped([command('yes'), command('cat')], controller.signal);
  const reading = collect(running.stdout);
  await new Promise((resolve) => running.stdout?.once('readable', resolve));
  controller.abort();
  await expect(reading).rejects.toMatchObject({ reason: 'cancelled' });
  await expect(running.finished).rejects.toMatchObject({ reason: 'cancelled' });
  expect(isAlive(processStat(running.pid))).toBe(false);
});

test('the output of a program that left something behind holding it is not passed off as whole', async () => {
  const running = start(shell('sleep 600 & echo $!'), undefined, { stdout: 'pipe' });
  const seen: string[] = [];
  running.stdout?.on('data', (chunk: Buffer) => seen.push(chunk.toString()));
  await expect(running.finished).rejects.toThrow('still holds its output');
  process.kill(Number(seen.join('')), 'SIGKILL');
});

test('writing to a program that has ended breaks the pipe, and its exit code is the answer', async () => {
  const running = start(command('true'), undefined, { stdin: 'pipe' });
  const endless = Readable.from(
    (function* () {
      for (;;) yield Buffer.alloc(65_536);
    })(),
  );
  const error: unknown = await pipeline(endless, running.stdin!).catch((thrown: unknown) => thrown);
  expect(isBrokenPipe(error)).toBe(true);
  await expect(running.finished).resolves.toMatchObject({ exitCode: 0 });
});
