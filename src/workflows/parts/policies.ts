/**
 * How long activities may take and how often they are tried: four classes, and one for long reads, defined once.
 * Every activity heartbeats each second (the worker sees to that), so a dead worker is noticed within `heartbeatTimeout`
 * whatever the class, and the next attempt follows half a second later.
 */
import type { ActivityOptions } from '@temporalio/common';
import { ActivityCancellationType } from '@temporalio/workflow';
import type { Activities } from '../../activities/contract.ts';

export type ActivityClass = 'probe' | 'watch' | 'mutate' | 'transfer' | 'notify';

const heartbeatTimeout = '5s';
const firstRetry = '500ms';
/**
 * What changes something is waited for when the run is aborted: nothing is undone beside it, and the lock is held as long as
 * it acts. Named because the SDK, whatever its documentation says, does not wait without it.
 */
const cancellationType = ActivityCancellationType.WAIT_CANCELLATION_COMPLETED;

export const classes: Record<ActivityClass, ActivityOptions> = {
  /** Seconds, many tries, flat backoff. */
  probe: {
    startToCloseTimeout: '60s',
    scheduleToCloseTimeout: '5m',
    heartbeatTimeout,
    retry: {
      initialInterval: firstRetry,
      backoffCoefficient: 1.5,
      maximumInterval: '5s',
      maximumAttempts: 10,
    },
  },
  /** A long look that changes nothing: waiting for health, reading a database through. */
  watch: {
    startToCloseTimeout: '2h',
    heartbeatTimeout,
    retry: { initialInterval: firstRetry, backoffCoefficient: 2, maximumInterval: '10s', maximumAttempts: 5 },
  },
  /** Minutes, few tries. */
  mutate: {
    startToCloseTimeout: '15m',
    heartbeatTimeout,
    cancellationType,
    retry: { initialInterval: firstRetry, backoffCoefficient: 2, maximumInterval: '15s', maximumAttempts: 5 },
  },
  /** Hours; the next attempt resumes from what the last one left. */
  transfer: {
    startToCloseTimeout: '12h',
    heartbeatTimeout,
    cancellationType,
    retry: { initialInterval: firstRetry, backoffCoefficient: 2, maximumInterval: '30s', maximumAttempts: 8 },
  },
  /** Seconds, few tries; its failure never fails a runbook. */
  notify: {
    startToCloseTimeout: '20s',
    scheduleToCloseTimeout: '2m',
    heartbeatTimeout,
    retry: { initialInterval: firstRetry, backoffCoefficient: 2, maximumInterval: '5s', maximumAttempts: 4 },
  },
};

export interface ActivityKind {
  class: ActivityClass;
  /** Takes the call beside its request and answers `Done`. */
  mutates: boolean;
}

/** Every activity, its class, and whether it changes anything. A new activity is one line here. */
export const kinds: Record<keyof Activities, ActivityKind> = {
  loadSystem: { class: 'probe', mutates: false },
  digest: { class: 'probe', mutates: false },
  lockHolder: { class: 'probe', mutates: false },
  sendMessage: { class: 'notify', mutates: false },

  serviceState: { class: 'probe', mutates: false },
  startService: { class: 'mutate', mutates: true },
  stopService: { class: 'mutate', mutates: true },
  checkService: { class: 'probe', mutates: false },
  awaitHealthy: { class: 'watch', mutates: false },
  closeTraffic: { class: 'mutate', mutates: true },
  openTraffic: { class: 'mutate', mutates: true },
  awaitDrained: { class: 'watch', mutates: false },
  preflight: { class: 'probe', mutates: false },
  archiveLogs: { class: 'transfer', mutates: true },

  probeStore: { class: 'probe', mutates: false },
  classifyDamage: { class: 'watch', mutates: false },
  captureEvidence: { class: 'mutate', mutates: true },
  rebuildIndexes: { class: 'transfer', mutates: true },

  dumpStore: { class: 'transfer', mutates: true },
  restoreBeside: { class: 'transfer', mutates: true },
  compareReplacement: { class: 'watch', mutates: false },
  swapIn: { class: 'mutate', mutates: true },
  swapBack: { class: 'mutate', mutates: true },
  discardReplacement: { class: 'mutate', mutates: true },
  purgeKept: { class: 'mutate', mutates: true },

  listBackups: { class: 'probe', mutates: false },
  chooseBackup: { class: 'probe', mutates: false },
  leaseBackup: { class: 'mutate', mutates: true },
  releaseBackup: { class: 'mutate', mutates: true },
  writeManifest: { class: 'mutate', mutates: true },
  verifyBackup: { class: 'transfer', mutates: true },
  recordProof: { class: 'mutate', mutates: true },
  applyRetention: { class: 'transfer', mutates: true },
};
