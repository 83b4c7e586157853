/** Putting several proven replacements in place, each while its service is as that store needs it: running or stopped. */
import type { Comparison, Replacement, RestoreRequest } from '../../../activities/stores/contract.ts';
import type { ServiceState } from '../../../activities/platforms/contract.ts';
import type { Run } from '../run.ts';
import { backupPolicy, storeOf } from './backup.ts';
import { swapIn, type StoreRestored } from './restore.ts';
import { startServices, stopServices } from './services.ts';

/** Redis reads its files at start alone, so its data is swapped while it is stopped; PostgreSQL renames while running. */
const swapsWhileStopped = { postgres: false, redis: true } as const;

export interface Proven {
  request: RestoreRequest;
  replacement: Replacement;
  comparison: Comparison;
}

/** The commands of a restore of these stores, for the approver; nothing is run. */
export async function planRestore(run: Run, stores: readonly string[], backupId: string): Promise<string[]> {
  const { system } = run;
  const backup = backupPolicy(system);
  return run.step(
    'Work out what would be done',
    async () =>
      run.planOf('restore', async (activities) => {
        for (const store of stores) {
          const request: RestoreRequest = { ...storeOf(system, store), backup, backupId, purpose: 'replace' };
          const replacement = await activities.restoreBeside(request);
          await activities.swapIn({ ...request, replacement });
        }
      }),
    { note: (commands) => `${commands.length} commands` },
  );
}

/** @param back whether an abort later on puts the replaced data back. */
export async function swapAll(
  run: Run,
  proven: readonly Proven[],
  before: ReadonlyMap<string, ServiceState>,
  back: boolean,
): Promise<StoreRestored[]> {
  const restored: StoreRestored[] = [];
  for (const { request, replacement, comparison } of proven) {
    const { service } = request.spec;
    const stop = swapsWhileStopped[request.spec.type] && service in run.system.services;
    if (stop) await stopServices(run, [[service]], before);
    const swapped = await swapIn(run, request, replacement, back);
    // Undone by stopping it again, so that the way back finds it as the way in did.
    if (stop) await startServices(run, [service], () => back);
    restored.push({
      store: request.store,
      backupId: request.backupId,
      takenAt: replacement.takenAt,
      comparison,
      keptAs: swapped.keptAs,
      keptUntil: swapped.until,
    });
  }
  return restored;
}
