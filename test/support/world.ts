/**
 * A world for tests of timers and decisions: activities that answer from memory and note that they were asked. Only for
 * what time skipping needs; whatever an activity does to a real server is tested on that server.
 */
import { ApplicationFailure } from '@temporalio/common';
import type { Activities } from '../../src/activities/contract.ts';
import type { Done } from '../../src/activities/call.ts';
import type { Message } from '../../src/activities/channels/contract.ts';
import { system as systemSchema, type System } from '../../src/inventory/schema/system.ts';

export interface World {
  activities: Activities;
  /** `name service` of every mutating activity that acted, in order. */
  deeds: string[];
  messages: { message: Message }[];
  /** The next calls of an activity fail with this until it is deleted. */
  broken: Map<string, string>;
  running: Set<string>;
}

/** A system with a database, an API and a web front end; unlimited overrides. */
export function smallSystem(name: string, overrides: Record<string, unknown> = {}): System {
  const platform = (command: string) => ({
    type: 'process',
    command: [command],
    logFile: `/var/log/${command}.log`,
  });
  return systemSchema.parse({
    name,
    title: `System ${name}`,
    stateDirectory: '/var/lib/test',
    objectives: { 1: { rto: '5m', rpo: '1m' } },
    services: {
      database: { role: 'database', platform: platform('database'), health: { postgres: 'main' } },
      api: {
        dependsOn: ['database'],
        platform: platform('api'),
        health: { http: { url: 'http://127.0.0.1:1/health' } },
        traffic: {
          close: { http: { url: 'http://127.0.0.1:1/drain' } },
          open: { http: { url: 'http://127.0.0.1:1/undrain' } },
          active: { metrics: 'http://127.0.0.1:1/metrics', name: 'active' },
        },
      },
      web: {
        dependsOn: ['api'],
        platform: platform('web'),
        health: { http: { url: 'http://127.0.0.1:1/' } },
      },
    },
    stores: {
      main: { type: 'postgres', service: 'database', host: '127.0.0.1', user: 'app', database: 'app' },
    },
    backup: { destination: { type: 'filesystem', directory: '/var/backups' }, components: ['main'] },
    people: {
      channels: { console: { type: 'console' } },
      notices: ['console'],
      escalation: [
        { after: '0s', responders: ['first'], channels: ['console'] },
        { after: '15m', responders: ['second'], channels: ['console'] },
        { after: '60m', responders: ['third'], channels: ['console'] },
      ],
    },
    ...overrides,
  });
}

export function world(system: System): World {
  const deeds: string[] = [];
  const messages: World['messages'] = [];
  const broken = new Map<string, string>();
  const running = new Set(Object.keys(system.services));

  const act = <Result>(
    name: string,
    subject: string,
    call: { plan: boolean },
    result: Result,
    already = false,
  ): Done<Result> => {
    const why = broken.get(name) ?? broken.get(`${name} ${subject}`);
    if (why) throw ApplicationFailure.nonRetryable(why, 'CommandFailed');
    if (already) return { result, performed: false, commands: [] };
    const commands = [`${name} ${subject}`.trim()];
    if (!call.plan) deeds.push(...commands);
    return { result, performed: !call.plan, commands };
  };
  const health = (service: string) => ({
    service,
    healthy: true,
    status: 'healthy' as const,
    latencyMs: 1,
    detail: 'ok',
  });
  const id = `${system.name}-manual-20260101T000000Z-00000000`;
  const summary = {
    id,
    kind: 'manual' as const,
    finishedAt: '2026-01-01T00:00:00.000Z',
    takenAt: '2026-01-01T00:00:00.000Z',
    bytes: 1,
    components: ['main'],
    state: 'proven' as const,
    signed: true,
  };

  const activities: Activities = {
    async loadSystem({ system: name }) {
      if (name !== system.name)
        throw ApplicationFailure.nonRetryable(`There is no system "${name}".`, 'InvalidInput');
      return { system, digest: 'digest' };
    },
    async digest({ lines }) {
      return `digest of ${lines.length} lines`;
    },
    async lockHolder() {
      return { runbook: 'another', holder: 'another/run', by: 'somebody', since: 'then' };
    },
    async sendMessage({ channels, message }) {
      messages.push({ message });
      return channels.map(({ name }) => ({ channel: name, delivered: true }));
    },
    async serviceState({ service }) {
      return { running: running.has(service), detail: '' };
    },
    async startService({ service }, call) {
      const done = act('start', service, call, { running: true, detail: '' }, running.has(service));
      if (!call.plan) running.add(service);
      return done;
    },
    async stopService({ service }, call) {
      const done = act('stop', service, call, { running: false, detail: '' }, !running.has(service));
      if (!call.plan) running.delete(service);
      return done;
    },
    async checkService({ service }) {
      return health(service);
    },
    async awaitHealthy({ service }) {
      return health(service);
    },
    async closeTraffic({ service }, call) {
      return act('close', service, call, { open: false });
    },
    async openTraffic({ service }, call) {
      return act('open', service, call, { open: true });
    },
    async awaitDrained() {
      return { drained: true, active: 0, waitedMs: 0 };
    },
    async preflight() {
      return { ok: true, problems: [] };
    },
    async archiveLogs(_request, call) {
      return act('archive', 'logs', call, { location: '', bytes: 0, sha256: '', files: 0 });
    },
    async probeStore() {
      return { reachable: true, version: '15', detail: '' };
    },
    async classifyDamage() {
      return {
        verdict: 'healthy',
        findings: [],
        indexes: [],
        checkedRelations: 1,
        checksums: true,
        gaps: [],
        tookMs: 1,
      };
    },
    async captureEvidence(_request, call) {
      return act('evidence', '', call, { location: 'evidence', sha256: 'ab', bytes: 1 });
    },
    async rebuildIndexes({ indexes }, call) {
      return act('reindex', indexes.join(' '), call, { rebuilt: indexes });
    },
    async dumpStore({ store }, call) {
      const record = {
        store,
        type: 'postgres' as const,
        takenAt: '2026-01-01T00:00:00Z',
        objects: [],
        summary: {},
      };
      return act('dump', store, call, record);
    },
    async restoreBeside({ store, backupId }, call) {
      return act('restore', store, call, {
        name: `${store}_restoring`,
        backupId,
        takenAt: '2026-01-01T00:00:00Z',
        tookMs: 1,
      });
    },
    async compareReplacement() {
      return { equal: true, compared: 1, unit: 'tables', rows: '1', differences: [], validations: [] };
    },
    async swapIn({ store }, call) {
      return act('swap', store, call, { keptAs: `${store}_replaced`, until: '2026-01-08T00:00:00Z' });
    },
    async swapBack({ store }, call) {
      return act('swap-back', store, call, { restored: true });
    },
    async discardReplacement({ store }, call) {
      return act('discard', store, call, { removed: true });
    },
    async purgeKept({ store }, call) {
      return act('purge', store, call, { removed: [] }, true);
    },
    async listBackups() {
      return [summary];
    },
    async chooseBackup() {
      return summary;
    },
    async leaseBackup(_request, call) {
      return act('lease', '', call, { lease: 'lease' });
    },
    async releaseBackup(_request, call) {
      return act('release', '', call, { released: true });
    },
    async writeManifest({ id: backup }, call) {
      return act('manifest', '', call, { location: backup, sha256: '', bytes: 1 });
    },
    async verifyBackup({ id: backup }, call) {
      return act('verify', '', call, {
        id: backup,
        ok: true,
        objects: 1,
        bytes: 1,
        problems: [],
        notes: [],
      });
    },
    async recordProof(_request, call) {
      return act('proof', '', call, { location: 'proof' });
    },
    async applyRetention(_request, call) {
      return act('retention', '', call, { removed: [], kept: [] });
    },
  };
  return { activities, deeds, messages, broken, running };
}
