/** A store of data, whatever its kind: how it is dumped, restored beside what it replaces, compared and swapped in. */
import type { Backup } from '../../inventory/schema/backup.ts';
import type { Store } from '../../inventory/schema/store.ts';
import type { Call, Progress } from '../call.ts';
import type { ComponentRecord } from '../backups/manifest.ts';
import type { Observation } from '../mutation.ts';

export interface StoreRequest {
  system: string;
  stateDirectory: string;
  /** The store's name in the inventory. */
  store: string;
  spec: Store;
}

export interface DumpRequest extends StoreRequest {
  backup: Backup;
  backupId: string;
}

export interface RestoreRequest extends StoreRequest {
  backup: Backup;
  backupId: string;
  /** `replace`: beside the live data, to be swapped in. `drill`: scratch, thrown away after the comparison. */
  purpose: 'replace' | 'drill';
}

/** The restored copy, not yet in use. Enough to find it again after a crash, on whichever worker. */
export interface Replacement {
  /** PostgreSQL: the database `<db>_restoring`; Redis: the data directory `<dir>.restoring`. */
  name: string;
  backupId: string;
  takenAt: string;
  /** Milliseconds the restore itself took (fetch, load), for the drill's measured recovery time. */
  tookMs: number;
}

export interface Comparison {
  equal: boolean;
  compared: number;
  unit: 'tables' | 'databases';
  rows: string;
  /** Human sentences, at most 20; empty when equal. */
  differences: string[];
  validations: { name: string; value: number | null; ok: boolean; expected: string }[];
}

export interface SwapRequest extends StoreRequest {
  replacement: Replacement;
}

export interface Swapped {
  /** What the replaced data is called now. It is kept until `until`. */
  keptAs: string;
  until: string;
}

/** What an activity gives to a store's code: its cancellation, and where to tell how far it is. */
export interface Work {
  signal: AbortSignal;
  call: Call;
  progress(progress: Progress): void;
}

interface Effect<Request, Result> {
  observe(request: Request, work: Work): Promise<Observation<Result>>;
  act(request: Request, work: Work): Promise<Result>;
}

export interface StoreKind {
  /** What the service must be while the replacement is swapped in. */
  swapsWhile: 'running' | 'stopped';
  dump: Effect<DumpRequest, ComponentRecord>;
  /** Fetches the bytes, verifies them against the manifest, then loads them beside the live data. */
  restoreBeside: Effect<RestoreRequest, Replacement>;
  /** Reads the replacement through and compares it with the backup's contents; runs the inventory's validations on it. */
  compare(request: RestoreRequest & { replacement: Replacement }, work: Work): Promise<Comparison>;
  swap: Effect<SwapRequest, Swapped>;
  /** Puts the kept data back and the replacement aside. `swapped` null: the answer was lost; whatever this run swapped is meant. */
  swapBack: Effect<SwapRequest & { swapped: Swapped | null }, { restored: boolean }>;
  /** Removes a replacement that is not in use. Never anything without our mark on it. */
  discard: Effect<SwapRequest, { removed: boolean }>;
  /** Removes kept data whose time is over. */
  purgeKept: Effect<StoreRequest, { removed: string[] }>;
}
