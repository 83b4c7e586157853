/**
 * Every activity, by name, as workflows see them. Workflows import this file's types and nothing else of ours that acts.
 * Probes take a request; mutating activities take the call too and answer `Done`.
 */
import type { Backup, Destination } from '../inventory/schema/backup.ts';
import type { Traffic } from '../inventory/schema/service.ts';
import type { Store } from '../inventory/schema/store.ts';
import type { System } from '../inventory/schema/system.ts';
import type { BackupKind, ComponentRecord } from './backups/manifest.ts';
import type { Call, Done } from './call.ts';
import type { Delivery, MessageRequest } from './channels/contract.ts';
import type { Drained, ServiceHealth, ServiceRequest, ServiceState } from './platforms/contract.ts';
import type {
  Comparison,
  DumpRequest,
  Replacement,
  RestoreRequest,
  StoreRequest,
  SwapRequest,
  Swapped,
} from './stores/contract.ts';

export interface BackupPlace {
  system: string;
  backup: Backup;
}

export interface BackupSummary {
  id: string;
  kind: BackupKind;
  finishedAt: string;
  /** The oldest snapshot among its components. */
  takenAt: string;
  bytes: number;
  components: string[];
  /** `unreadable`: a manifest that is missing, damaged or not to be trusted; `why` says so. */
  state: 'unverified' | 'verified' | 'proven' | 'removing' | 'unreadable';
  signed: boolean;
  why?: string;
}

/** What is wrong with a database, found by reading it, never by changing it. */
export interface DamageReport {
  /**
   * healthy; unreachable (no connection: nothing can be said of its data); index (only indexes: a reindex can cure);
   * heap (rows or their pages: only a restore cures); catalog (system tables: only a restore cures).
   */
  verdict: 'healthy' | 'unreachable' | 'index' | 'heap' | 'catalog';
  findings: { relation: string; kind: 'heap' | 'index' | 'toast' | 'catalog'; message: string }[];
  /** Indexes to rebuild, schema-qualified, when the verdict is `index`. */
  indexes: string[];
  checkedRelations: number;
  checksums: boolean;
  /** What could not be looked at, and why; a verdict of healthy with gaps says so. */
  gaps: string[];
  tookMs: number;
}

export interface Verification {
  id: string;
  ok: boolean;
  objects: number;
  bytes: number;
  /** Each names the object and what is wrong; empty when ok. */
  problems: string[];
  /** What could not be looked into, and why; no fault of the backup. */
  notes: string[];
}

export interface Proof {
  restoredAt: string;
  runId: string;
  rtoMs: number;
  comparisons: { store: string; compared: number; rows: string }[];
}

export interface Activities {
  /** The inventory, validated; the run keeps to it whatever the file becomes. */
  loadSystem(request: { system: string }): Promise<{ system: System; digest: string }>;
  /** SHA-256 of the lines, for an approval to be bound to. */
  digest(request: { lines: string[] }): Promise<string>;
  /** Who holds the lock: read from its own workflow, for the refusal to name. Null when it is free again. */
  lockHolder(request: {
    workflowId: string;
  }): Promise<{ runbook: string; holder: string; by: string; since: string } | null>;
  sendMessage(request: MessageRequest): Promise<Delivery[]>;

  serviceState(request: ServiceRequest): Promise<ServiceState>;
  startService(request: ServiceRequest, call: Call): Promise<Done<ServiceState>>;
  stopService(request: ServiceRequest, call: Call): Promise<Done<ServiceState>>;
  /** One look, no waiting, never a failure: what is wrong is in the answer. */
  checkService(request: ServiceRequest): Promise<ServiceHealth>;
  /** Looks each second until healthy, at most startWithin; failure NotReady with the log's last lines. A service that died fails at once. */
  awaitHealthy(request: ServiceRequest): Promise<ServiceHealth>;
  closeTraffic(request: ServiceRequest & { traffic: Traffic }, call: Call): Promise<Done<{ open: boolean }>>;
  openTraffic(request: ServiceRequest & { traffic: Traffic }, call: Call): Promise<Done<{ open: boolean }>>;
  awaitDrained(request: ServiceRequest & { traffic: Traffic }): Promise<Drained>;
  /** Ports free or ours, log directories writable, programs present: what `start` needs, asked beforehand. */
  preflight(request: { services: ServiceRequest[] }): Promise<{ ok: boolean; problems: string[] }>;
  /** The services' logs, compressed, to the destination or (without one) the state directory. Originals stay. */
  archiveLogs(
    request: {
      system: string;
      stateDirectory: string;
      services: ServiceRequest[];
      destination: Destination | null;
      archive: string;
    },
    call: Call,
  ): Promise<Done<{ location: string; bytes: number; sha256: string; files: number }>>;

  /** Reachability and facts, one try. */
  probeStore(request: StoreRequest): Promise<{ reachable: boolean; version: string | null; detail: string }>;
  classifyDamage(request: StoreRequest): Promise<DamageReport>;
  /** Statistics, settings, findings and the server log's end, before anything is changed. */
  captureEvidence(
    request: StoreRequest & { report: DamageReport; destination: Destination | null; evidence: string },
    call: Call,
  ): Promise<Done<{ location: string; sha256: string; bytes: number }>>;
  rebuildIndexes(
    request: StoreRequest & { indexes: string[] },
    call: Call,
  ): Promise<Done<{ rebuilt: string[] }>>;

  dumpStore(request: DumpRequest, call: Call): Promise<Done<ComponentRecord>>;
  restoreBeside(request: RestoreRequest, call: Call): Promise<Done<Replacement>>;
  compareReplacement(request: RestoreRequest & { replacement: Replacement }): Promise<Comparison>;
  swapIn(request: SwapRequest, call: Call): Promise<Done<Swapped>>;
  swapBack(
    request: SwapRequest & { swapped: Swapped | null },
    call: Call,
  ): Promise<Done<{ restored: boolean }>>;
  discardReplacement(request: SwapRequest, call: Call): Promise<Done<{ removed: boolean }>>;
  purgeKept(request: StoreRequest, call: Call): Promise<Done<{ removed: string[] }>>;

  listBackups(request: BackupPlace): Promise<BackupSummary[]>;
  /** By id, or the newest that was verified. NoUsableBackup lists what there is and why it will not do. */
  chooseBackup(request: BackupPlace & { id: string | null; need: string[] }): Promise<BackupSummary>;
  /** Keeps retention away from a backup while this run reads it. */
  leaseBackup(request: BackupPlace & { id: string }, call: Call): Promise<Done<{ lease: string }>>;
  releaseBackup(request: BackupPlace & { id: string }, call: Call): Promise<Done<{ released: boolean }>>;
  writeManifest(
    request: BackupPlace & { id: string; kind: BackupKind; startedAt: string; components: ComponentRecord[] },
    call: Call,
  ): Promise<Done<{ location: string; sha256: string; bytes: number }>>;
  /** Reads every byte back and compares; checks that the dumps open with their own tools. */
  verifyBackup(request: BackupPlace & { id: string }, call: Call): Promise<Done<Verification>>;
  recordProof(
    request: BackupPlace & { id: string; proof: Proof },
    call: Call,
  ): Promise<Done<{ location: string }>>;
  applyRetention(request: BackupPlace, call: Call): Promise<Done<{ removed: string[]; kept: string[] }>>;
}

export type { Store };
