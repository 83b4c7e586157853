/** Redis: the swap and the way back, cut off before and after each single rename, and then done again. */
import type * as fs from 'node:fs/promises';
import { readdir } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';

import { redisKind } from '../../src/activities/stores/redis/index.ts';
import type { RedisServer } from '../support/servers.ts';
import { type Bench, bench, work } from './redis-support.ts';

/** Every change of state that the swap makes, its marks included, takes effect by a rename. */
const power = vi.hoisted(() => ({ left: Infinity, before: true, used: 0 }));

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof fs>();
  return {
    ...real,
    rename: async (from: string, to: string) => {
      power.used += 1;
      power.left -= 1;
      if (power.left < 0 && power.before) throw new Error('power cut');
      await real.rename(from, to);
      if (power.left < 0) throw new Error('power cut');
    },
  };
});

let b: Bench;
let server: RedisServer;

beforeAll(async () => {
  b = await bench({ appendonly: true });
  ({ server } = b);
  await b.fill([['SET', 'name', 'before']]);
  await b.backUp();
  await server.cli('SET', 'name', 'after');
  await server.stop();
});
afterAll(async () => {
  await server.stop();
});

/** Runs it with power for so many renames; answers whether that was enough. */
async function withPower(renames: number, before: boolean, act: () => Promise<unknown>): Promise<boolean> {
  Object.assign(power, { left: renames, before, used: 0 });
  try {
    await act();
    return true;
  } catch (error) {
    expect((error as Error).message).toContain('power cut');
    return false;
  } finally {
    power.left = Infinity;
  }
}

async function nameInLive(): Promise<string> {
  await server.start();
  const name = await server.cli('GET', 'name');
  await server.stop();
  return name;
}

async function replacementOf(run: string) {
  return {
    ...b.store,
    replacement: await redisKind.restoreBeside.act(b.restoreRequest(), work('1', { run })),
  };
}

it.each([{ before: true }, { before: false }])(
  'the swap and the way back end well wherever they were cut off (before the rename: $before)',
  async ({ before }) => {
    let cuts = 0;
    for (let renames = 0; ; renames += 1) {
      const run = `cut-${String(before)}-${renames}`;
      const request = await replacementOf(run);
      const swap = async () => await redisKind.swap.act(request, work('3', { run }));
      const wasEnough = await withPower(renames, before, swap);
      const seen = await redisKind.swap.observe(request, work('3', { run }));
      const swapped = 'done' in seen ? seen.done : await swap();
      expect(await nameInLive()).toBe('before');

      const back = { ...request, swapped };
      const wayBack = async () => await redisKind.swapBack.act(back, work('4', { run }));
      const wasEnoughBack = await withPower(renames, before, wayBack);
      const seenBack = await redisKind.swapBack.observe(back, work('4', { run }));
      if (!('done' in seenBack)) await wayBack();
      expect(await nameInLive()).toBe('after');
      await redisKind.discard.act(request, work('5', { run }));
      expect((await readdir(b.base)).filter((entry) => entry.startsWith('data'))).toEqual(['data']);
      if (wasEnough && wasEnoughBack) break;
      cuts += 1;
    }
    expect(cuts).toBeGreaterThanOrEqual(5);
  },
);

it('a swap that was cut off, or whose answer was lost, is taken back by its run from the marks alone', async () => {
  for (let renames = 0; ; renames += 1) {
    const run = `lost-${renames}`;
    const request = { ...(await replacementOf(run)), swapped: null };
    const wasEnough = await withPower(
      renames,
      true,
      async () => await redisKind.swap.act(request, work('3', { run })),
    );
    const seen = await redisKind.swapBack.observe(request, work('undo-3', { run }));
    if (!('done' in seen)) await redisKind.swapBack.act(request, work('undo-3', { run }));
    expect(await nameInLive()).toBe('after');
    const unnamed = { ...request, replacement: { ...request.replacement, name: '' } };
    await redisKind.discard.act(unnamed, work('9', { run }));
    expect((await readdir(b.base)).filter((entry) => entry.startsWith('data'))).toEqual(['data']);
    if (wasEnough) break;
  }
});

it('a swap that was cut off and is given up leaves the old data live', async () => {
  for (let renames = 0; ; renames += 1) {
    const run = `given-up-${renames}`;
    const request = await replacementOf(run);
    const wasEnough = await withPower(
      renames,
      true,
      async () => await redisKind.swap.act(request, work('3', { run })),
    );
    if (wasEnough) break;
    await redisKind.discard.act(
      { ...request, replacement: { ...request.replacement, name: '' } },
      work('9', { run }),
    );
    expect(await nameInLive()).toBe('after');
  }
});
