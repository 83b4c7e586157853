/** J9: a database that may be damaged. Look first; reindex only where that can cure; else restore beside, prove, swap. */
import { z } from 'zod';
import type { DamageReport } from '../activities/contract.ts';
import { backupId } from '../inventory/backup-names.ts';
import { stopOrder } from '../inventory/order.ts';
import { refusal } from './parts/failures.ts';
import { storeOf } from './parts/procedures/backup.ts';
import { planRestore, swapAll } from './parts/procedures/replace.ts';
import { restoreAndProve, withBackup, type StoreRestored } from './parts/procedures/restore.ts';
import {
  checkServices,
  dependents,
  startServices,
  stopServices,
  whatRuns,
} from './parts/procedures/services.ts';
import { closeTraffic, openTraffic } from './parts/procedures/traffic.ts';
import type { StepActivities } from './parts/activities.ts';
import type { Run } from './parts/run.ts';
import { runbook } from './parts/runbook.ts';

export const recoverDatabase = runbook({
  name: 'recover-database',
  title: 'Database recovery',
  summary:
    'Tells an unreachable server, damaged indexes and damaged rows apart. Rebuilds indexes where that cures; otherwise restores the newest good backup beside the damaged database, compares it, swaps by rename and keeps the damaged one.',
  covers: ['J9'],
  failureLevel: 3,
  input: {
    store: z
      .string()
      .max(63)
      .optional()
      .describe('Which PostgreSQL store; may be left out when there is one.'),
    backup: backupId.optional().describe('Restore this one rather than the newest that was verified.'),
  },
  examples: ['runbook run recover-database --system demo', 'runbook plan recover-database --system demo'],

  async steps(run, { store: asked, backup }) {
    const store = postgresStore(run, asked);
    const request = storeOf(run.system, store);
    const damage = await classify(run, store);
    if (damage.verdict === 'healthy') {
      return { store, verdict: damage.verdict, cure: 'none' as const, damage, restored: null, healthy: true };
    }
    const users = dependents(run.system, request.spec.service);
    const before = await whatRuns(run, Object.keys(run.system.services));
    await run.step(
      'Keep the evidence',
      (activities) =>
        activities.captureEvidence({
          ...request,
          report: damage,
          destination: run.system.backup?.destination ?? null,
          evidence: `damage-${store}-${run.stamp}`,
        }),
      { note: (kept) => `${kept.location}, SHA-256 ${kept.sha256.slice(0, 16)}…` },
    );
    const waves = stopOrder(run.system).applications.map((wave) => wave.filter((name) => users.has(name)));
    const stopUsers = async (): Promise<void> => {
      await closeTraffic(run, new Set([...users].filter((name) => before.get(name)?.running)));
      await stopServices(run, waves, before);
    };

    let restored: StoreRestored | null = null;
    let cure: 'reindex' | 'restore' = 'reindex';
    if (damage.verdict === 'index') {
      await stopUsers();
      await run.step(
        `Rebuild ${damage.indexes.length} damaged index${damage.indexes.length === 1 ? '' : 'es'}`,
        (activities) => activities.rebuildIndexes({ ...request, indexes: damage.indexes }),
        { note: (done) => done.rebuilt.join(', ').slice(0, 160) },
      );
      const after = run.dryRun ? undefined : await classify(run, store, 'Look at the data again');
      if (after && after.verdict !== 'healthy') {
        await run.tell({
          key: 'reindex-did-not-cure',
          severity: 'critical',
          title: `${run.system.name}: reindexing did not cure ${store}`,
          text: `Still ${after.verdict} damage after the rebuild. Going on to restore from a backup.`,
        });
        cure = 'restore';
      }
    } else {
      cure = 'restore';
    }
    if (cure === 'restore') {
      restored = await withBackup(run, backup ?? null, [store], async (chosen) => {
        await run.approval(
          `Replace the damaged ${store} of ${run.system.name} by ${chosen.id} of ${chosen.takenAt}`,
          await planRestore(run, [store], chosen.id),
        );
        // Before the restore, not after it: whatever users wrote meanwhile would be lost with the damaged database.
        if (damage.verdict !== 'index') await stopUsers();
        const proven = await restoreAndProve(run, store, chosen.id, 'replace');
        // An abort from here on leaves the proven copy in place: nobody wants the damage back.
        const [one] = await swapAll(run, [proven], before, false);
        return one ?? null;
      });
    }
    const ran = [...users].filter((name) => before.get(name)?.running);
    await startServices(run, ran, () => false);
    await openTraffic(run, ran);
    run.commit(cure === 'restore' ? 'the restored database is live' : 'the indexes are rebuilt');
    const health = run.dryRun
      ? []
      : await run.group('Full health check', (inner) =>
          checkServices(inner, Object.keys(run.system.services)),
        );
    const healthy = health.every((one) => one.healthy);
    await run.tell({
      key: 'recovered',
      severity: healthy ? 'info' : 'critical',
      title: `${run.system.name}: ${store} is ${healthy ? 'recovered' : 'recovered, but services are unhealthy'}`,
      text:
        restored === null
          ? `Damaged indexes were rebuilt: ${damage.indexes.join(', ')}.`
          : `Restored from ${restored.backupId} (${restored.takenAt}). What was written since then is only in ${restored.keptAs}, kept until ${restored.keptUntil}.`,
    });
    return { store, verdict: damage.verdict, cure, damage, restored, healthy };
  },
});

async function classify(
  run: Run,
  store: string,
  title = 'Look at the data: reachable, indexes, rows',
): Promise<DamageReport> {
  const request = storeOf(run.system, store);
  const look = async (activities: StepActivities): Promise<DamageReport> => {
    const report = await activities.classifyDamage(request);
    if (report.verdict !== 'unreachable') return report;
    // Silence is not damage: one failed answer must never start a recovery. A person looks, starts it, and retries.
    throw refusal(
      'Unreachable',
      `${store} of ${run.system.name} does not answer, so nothing can be said of its data and nothing was touched.\n${report.gaps.join('; ')}\nNext: look at the service ${request.spec.service} and its log, start it, then retry this step.`,
    );
  };
  return run.step(title, look, {
    note: (report) =>
      `${report.verdict}; ${report.checkedRelations} relations read${report.findings[0] ? `; ${report.findings[0].relation}: ${report.findings[0].message}`.slice(0, 160) : ''}`,
  });
}

function postgresStore(run: Run, asked: string | undefined): string {
  const all = Object.entries(run.system.stores)
    .filter(([, spec]) => spec.type === 'postgres')
    .map(([name]) => name);
  const [only, ...others] = asked === undefined ? all : all.filter((name) => name === asked);
  if (only !== undefined && others.length === 0) return only;
  const there = `PostgreSQL stores of ${run.system.name}: ${all.join(', ') || 'none'}`;
  throw refusal(
    'InvalidInput',
    asked === undefined
      ? `Say which store: ${there}.`
      : `No PostgreSQL store "${asked.slice(0, 60)}". ${there}.`,
  );
}
