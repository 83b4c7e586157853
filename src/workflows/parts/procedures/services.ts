/** Starting, stopping and asking services: one dependency graph drives them all. */
import type { ServiceHealth, ServiceRequest, ServiceState } from '../../../activities/platforms/contract.ts';
import type { System } from '../../../inventory/schema/system.ts';
import { dependencies } from '../../../inventory/order.ts';
import type { Run } from '../run.ts';

/** What an activity needs to know of one service, and no more of the inventory than that. */
export function serviceRequest(system: System, service: string): ServiceRequest {
  const spec = system.services[service];
  if (!spec) throw new TypeError(`no service ${service}`);
  const { health } = spec;
  const named = 'postgres' in health ? health.postgres : 'redis' in health ? health.redis : undefined;
  const store = named === undefined ? undefined : system.stores[named];
  return {
    system: system.name,
    stateDirectory: system.stateDirectory,
    service,
    spec,
    stores: named !== undefined && store ? { [named]: store } : {},
  };
}

const foreseenHealth = (service: string): ServiceHealth => ({
  service,
  healthy: true,
  status: 'healthy',
  latencyMs: 0,
  detail: 'foreseen',
});

/** Which services run now. What was not running before a run is not started by its undo. */
export async function whatRuns(run: Run, names: readonly string[]): Promise<Map<string, ServiceState>> {
  return run.step(
    'See which services run',
    async (activities) => {
      const states = await run.together(names, async (name): Promise<[string, ServiceState]> => [
        name,
        await activities.serviceState(serviceRequest(run.system, name)),
      ]);
      return new Map(states);
    },
    { note: (states) => `${[...states.values()].filter((state) => state.running).length} of ${states.size}` },
  );
}

/**
 * Starts services, each as soon as those it depends on are healthy, and waits for each one's own health.
 * @param undoable whose start is undone by stopping again; services found running are left alone either way.
 */
export async function startServices(
  run: Run,
  names: readonly string[],
  undoable: (name: string) => boolean,
): Promise<ServiceHealth[]> {
  const wanted = new Set(names);
  const graph = dependencies(run.system);
  const started = new Map<string, Promise<ServiceHealth>>();
  const start = (name: string): Promise<ServiceHealth> => {
    const known = started.get(name);
    if (known) return known;
    const begun = (async (): Promise<ServiceHealth> => {
      await Promise.all((graph.get(name) ?? []).filter((needed) => wanted.has(needed)).map(start));
      const request = serviceRequest(run.system, name);
      return run.step<ServiceHealth>(
        `Start ${name}`,
        async (activities) => {
          await activities.startService(request);
          return run.dryRun ? foreseenHealth(name) : activities.awaitHealthy(request);
        },
        {
          note: (health) => (run.dryRun ? '' : `${health.detail}, ${Math.round(health.latencyMs)} ms`),
          ifSkipped: { ...foreseenHealth(name), healthy: false, status: 'unhealthy', detail: 'skipped' },
          undo: undoable(name) ? (activities) => activities.stopService(request) : undefined,
        },
      );
    })();
    started.set(name, begun);
    return begun;
  };
  return run.together(names, start);
}

/**
 * Stops services in the given waves: those nothing depends on any more first, each wave together.
 * @param before what ran before; only that is started again by an undo.
 */
export async function stopServices(
  run: Run,
  waves: readonly string[][],
  before: ReadonlyMap<string, ServiceState>,
): Promise<void> {
  for (const wave of waves) {
    await run.together(wave, (name) => {
      const request = serviceRequest(run.system, name);
      return run.step(`Stop ${name}`, (activities) => activities.stopService(request), {
        ifSkipped: { running: true, detail: 'skipped' },
        undo: before.get(name)?.running
          ? async (activities) => {
              await activities.startService(request);
              await activities.awaitHealthy(request);
            }
          : undefined,
      });
    });
  }
}

/** Every service asked once, together. Never fails: what is wrong is in the answers. */
export async function checkServices(run: Run, names: readonly string[]): Promise<ServiceHealth[]> {
  return run.together(names, (name) =>
    run.step(`Check ${name}`, (activities) => activities.checkService(serviceRequest(run.system, name)), {
      note: (health) => `${health.status}: ${health.detail}, ${Math.round(health.latencyMs)} ms`,
      ifSkipped: { ...foreseenHealth(name), healthy: false, status: 'unhealthy', detail: 'skipped' },
    }),
  );
}

/** The services that use a store's service, directly or through others: what must stop before its data is replaced. */
export function dependents(system: System, service: string): Set<string> {
  const graph = dependencies(system);
  const found = new Set<string>();
  const visit = (name: string): void => {
    for (const [candidate, needs] of graph) {
      if (needs.includes(name) && !found.has(candidate)) {
        found.add(candidate);
        visit(candidate);
      }
    }
  };
  visit(service);
  return found;
}
