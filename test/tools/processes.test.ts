import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

import { expect, test } from 'vitest';

import { isSameProcess, processStartTime, startServer } from '../../tools/lib/processes.ts';
import { temporaryDirectory, waitUntil } from '../support/servers.ts';

const root = path.dirname(path.dirname(import.meta.dirname));

/** A process of its own that starts PostgreSQL and Redis, prints their pids, and waits. */
async function holder(): Promise<{ pid: number; servers: { pid: number; startTime: string | undefined }[] }> {
  const directory = await temporaryDirectory();
  const script = `
    import { startPostgres } from '${root}/tools/servers/postgres.ts';
    import { startRedis } from '${root}/tools/servers/redis.ts';
    const postgres = await startPostgres({ directory: '${directory}/postgres' });
    const redis = await startRedis({ directory: '${directory}/redis' });
    console.log(JSON.stringify([postgres.pid, redis.pid]));
    setInterval(() => undefined, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [chunk] = (await once(child.stdout, 'data')) as [Buffer];
  const pids = JSON.parse(chunk.toString()) as number[];
  return {
    pid: child.pid ?? 0,
    servers: pids.map((pid) => ({ pid, startTime: processStartTime(pid) })),
  };
}

test.each(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGKILL'] as const)(
  'servers end when the process that started them gets %s',
  async (signal) => {
    const { pid, servers } = await holder();
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
