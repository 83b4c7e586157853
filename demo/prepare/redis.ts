/** The shop's Redis: its configuration, and data with and without expiry. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { run } from '../../tools/lib/run.ts';
import { startRedis } from '../../tools/servers/redis.ts';
import { rowsAt } from './rows.ts';

/** Puts a fresh data directory into `<root>/redis/data`, and `redis.conf` beside it. */
export async function placeRedis(options: { root: string; port: number; scale: number }): Promise<string> {
  const { root, port, scale } = options;
  const directory = path.join(root, 'redis');
  const dataDirectory = path.join(directory, 'data');
  await rm(directory, { recursive: true, force: true });
  await mkdir(dataDirectory, { recursive: true, mode: 0o700 });
  await writeFile(
    path.join(directory, 'redis.conf'),
    [
      'bind 127.0.0.1',
      `port ${port}`,
      `dir ${JSON.stringify(dataDirectory)}`,
      'appendonly yes',
      'appendfsync everysec',
      'save 900 1 300 100',
      // A dump over the network begins at once, instead of waiting for other replicas.
      'repl-diskless-sync-delay 0',
      '',
    ].join('\n'),
  );
  // Filled on another port: nobody must take it for the shop's own.
  const server = await startRedis({ directory: dataDirectory, appendonly: true, config: { logfile: '' } });
  try {
    const input = commands(scale).join('\n');
    await run('redis-cli', ['-h', '127.0.0.1', '-p', String(server.port), '--pipe'], { input: `${input}\n` });
    await server.cli('SAVE');
  } finally {
    await server.stop();
  }
  await rm(server.logFile, { force: true });
  return dataDirectory;
}

/** Sessions expire within a day; what the shop counts stays. */
function commands(scale: number): string[] {
  const { customers, products, orders } = rowsAt(scale);
  const sessions = Math.min(20_000, customers);
  const lines = [`SET orders:placed ${orders}`];
  for (let id = 1; id <= sessions; id += 1) {
    lines.push(
      `SET session:${id} customer-${id}-${(id * 7919) % 100_003} EX ${3_600 + ((id * 37) % 82_800)}`,
    );
  }
  for (let id = 1; id <= Math.min(2_000, products); id += 1) {
    lines.push(`HSET product:${id} views ${(id * 31) % 997} rating ${(id % 5) + 1}`);
    lines.push(`ZADD bestsellers ${(id * 131) % 9_973} product:${id}`);
  }
  for (let id = 1; id <= 200; id += 1) {
    lines.push(`SADD city:${id % 6} customer:${id}`, `RPUSH recent order:${id}`);
  }
  return lines;
}
