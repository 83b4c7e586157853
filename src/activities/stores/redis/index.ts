/** Redis: dumped over its replication protocol, restored as a directory beside the live one, swapped in by rename. */
import type { StoreKind, StoreRequest, Work } from '../contract.ts';
import { compare } from './compare.ts';
import { dump } from './dump.ts';
import { askLive, openLive } from './live.ts';
import { restoreBeside } from './restore.ts';
import { discard, purgeKept, swap, swapBack } from './swap.ts';

export const redisKind: StoreKind = {
  swapsWhile: 'stopped',
  dump,
  restoreBeside,
  compare,
  swap,
  swapBack,
  discard,
  purgeKept,
};

/** Reachability and facts, one try; never a failure: what is wrong is in the answer. */
export async function probeRedis(
  request: StoreRequest,
  work: Work,
): Promise<{ reachable: boolean; version: string | null; detail: string }> {
  try {
    const live = await openLive(request);
    return await askLive(live, work, async (client) => {
      await client.ask('PING');
      const info = await client.text('INFO');
      const value = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? 'unknown';
      const keys = [...info.matchAll(/^db\d+:keys=(\d+)/gm)].reduce(
        (sum, [, count]) => sum + Number(count),
        0,
      );
      return {
        reachable: true,
        version: value('redis_version'),
        detail: `${value('role')}, ${keys} keys, ${value('used_memory_human')}, append-only file ${value('aof_enabled') === '1' ? 'on' : 'off'}, last save ${value('rdb_last_bgsave_status')}`,
      };
    });
  } catch (error) {
    work.signal.throwIfAborted();
    return {
      reachable: false,
      version: null,
      detail: error instanceof Error ? error.message : String(error),
    };
  }
}
