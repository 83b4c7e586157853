/** PostgreSQL as a store: dumped by pg_dump, restored beside, compared, swapped in by rename. */
import type { StoreKind } from '../contract.ts';
import { compare } from './compare.ts';
import { dump } from './dump.ts';
import { discard, purgeKept } from './remove.ts';
import { restoreBeside } from './restore.ts';
import { swapBack } from './swap-back.ts';
import { swap } from './swap.ts';

export { classifyDamage } from './damage/classify.ts';
export { captureEvidence } from './evidence.ts';
export { probe } from './probe.ts';
export { rebuildIndexes } from './reindex.ts';

export const postgresKind: StoreKind = {
  swapsWhile: 'running',
  dump,
  restoreBeside,
  compare,
  swap,
  swapBack,
  discard,
  purgeKept,
};
