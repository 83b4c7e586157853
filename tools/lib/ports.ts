/** Free TCP ports on 127.0.0.1. */
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/**
 * A port nobody listens on. It is taken from 20000-32767, below the range from which Linux takes the local ports of
 * outgoing connections (32768 up), so that it is not lost between this look and its use; and at random, so that
 * processes that look at the same time seldom find the same one.
 */
export async function freePort(): Promise<number> {
  return await portBetween(20_000, 32_767);
}

/**
 * A port for a server that is stopped and started again: from 10000-19999, where nothing that starts meanwhile looks for
 * one, so that it is still free then.
 */
export async function lastingPort(): Promise<number> {
  return await portBetween(10_000, 19_999);
}

async function portBetween(lowest: number, highest: number): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const port = randomInt(lowest, highest + 1);
    if (await isFree(port)) return port;
  }
  throw new Error(`No free port found on 127.0.0.1 between ${lowest} and ${highest} in 100 tries`);
}

async function isFree(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => {
      resolve(false);
    });
    server.listen(port, '127.0.0.1', () => {
      server.close(() => {
        resolve(true);
      });
    });
  });
}
