import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';

import { expect, test } from 'vitest';

import { isSameProcess, processStartTime, startServer } from '../../tools/lib/processes.ts';
import { temporaryDirectory, waitUntil } from '../support/servers.ts';

const root = path.dirname(path.dirname(import.meta.dirname));

/** A process of its own that starts PostgreSQL, Redis and the time-skipping server, prints their pids, and waits. */
async function holder(): Promise<{ pid: number; servers: { pid: number; startTime: string | undefined }[] }> {
  const directory = await temporaryDirectory();
  const script = `
    import { startPostgres } from '${root}/tools/servers/postgres.ts';
    import { startTimeSkipping } from '${root}/tools/servers/time-skipping.ts';
    import { startRedis } from '${root}/tools/servers/redis.ts';
    const postgres = await startPostgres({ directory: '${directory}/postgres' });
    const redis = await startRedis({ directory: '${directory}/redis' });
    const { address } = await startTimeSkipping();
    console.log(JSON.stringify({ pids: [postgres.pid, redis.pid], port: address.split(':')[1] }));
    setInterval(() => undefined, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [chunk] = (await once(child.stdout, 'data')) as [Buffer];
  const { pids, port } = JSON.parse(chunk.toString()) as { pids: number[]; port: string };
  pids.push(await timeSkippingServer(port));
  return {
    pid: child.pid ?? 0,
    servers: pids.map((pid) => ({ pid, startTime: processStartTime(pid) })),
  };
}

/** The pid of the time-skipping server, which the SDK keeps to itself. */
async function timeSkippingServer(port: string): Promise<number> {
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (commandLine.includes(`TestServer\0${port}`)) return Number(pid);
  }
  throw new Error(`No time-skipping server on port ${port}`);
}

test.each(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGKILL'] as const)(
  'servers end when the process that started them gets %s',
  async (signal) => {
    const { pid, servers } = await holder();
    expect(servers).toHaveLength(3);
    expect(servers.every((server) => isSameProcess(server.pid, server.startTime))).toBe(true);
    process.kill(pid, signal);
    await waitUntil(() => servers.every((server) => !isSameProcess(server.pid, server.startTime)), {
      what: 'the servers to end',
    });
  },
);

test('a process is not mistaken for a later one with its number', () => {
  const startTime = processStartTime(process.pid);
  expect(isSameProcess(process.pid, startTime)).toBe(true);
  expect(isSameProcess(process.pid, String(Number(startTime) - 1))).toBe(false);
});

test('a command that is not there, and one that never answers, are errors that leave nothing running', async () => {
  const logFile = path.join(await temporaryDirectory(), 'log');
  const options = { name: 'the sleeper', logFile, ready: async () => await Promise.resolve(false) };
  await expect(startServer({ ...options, command: '/no/such/command', args: [] })).rejects.toThrow(
    'the sleeper ended instead of starting',
  );
  await expect(
    startServer({ ...options, command: 'sleep', args: ['987654'], readyTimeoutMs: 200 }),
  ).rejects.toThrow('for the sleeper to answer in vain');
});
