/** J1: a standard start, each service as soon as those it depends on are healthy. */
import { z } from 'zod';
import { dependencies } from '../inventory/order.ts';
import { refusal } from './parts/failures.ts';
import { checkServices, serviceRequest, startServices, whatRuns } from './parts/procedures/services.ts';
import { openTraffic } from './parts/procedures/traffic.ts';
import { runbook } from './parts/runbook.ts';

export const startSystem = runbook({
  name: 'start-system',
  title: 'Start',
  summary:
    'Pre-flight checks, then every service as soon as those it depends on are healthy, then the full health check.',
  covers: ['J1', 'J3'],
  input: {
    only: z
      .array(z.string().max(63))
      .max(200)
      .default([])
      .describe('Start these and what they depend on; empty: everything.'),
  },
  examples: ['runbook run start-system --system demo', 'runbook plan start-system --system demo --only api'],

  async steps(run, { only }) {
    const names = withDependencies(run.system.services, dependencies(run.system), only);
    const before = await whatRuns(run, names);
    const stopped = names.filter((name) => !before.get(name)?.running);
    await run.step('Pre-flight checks', async (activities) => {
      const seen = await activities.preflight({
        services: stopped.map((name) => serviceRequest(run.system, name)),
      });
      if (!seen.ok) {
        throw refusal(
          'NotReady',
          `${run.system.name} cannot start: ${seen.problems.join('; ')}. Nothing was started.\nNext: mend this, then retry.`,
        );
      }
    });
    const started = await startServices(run, names, (name) => !before.get(name)?.running);
    await openTraffic(run, names);
    const health = run.dryRun
      ? started
      : await run.group('Full health check', (inner) => checkServices(inner, names));
    const unhealthy = health.filter((one) => !one.healthy);
    return { healthy: unhealthy.length === 0, started: stopped, services: health };
  },
});

function withDependencies(
  services: Record<string, unknown>,
  graph: ReadonlyMap<string, readonly string[]>,
  only: string[],
): string[] {
  if (only.length === 0) return Object.keys(services);
  const wanted = new Set<string>();
  const visit = (name: string): void => {
    if (!Object.hasOwn(services, name)) {
      throw refusal(
        'InvalidInput',
        `there is no service "${name.slice(0, 60)}" (there are: ${Object.keys(services).join(', ')}). Nothing was started.`,
      );
    }
    if (wanted.has(name)) return;
    wanted.add(name);
    for (const needed of graph.get(name) ?? []) visit(needed);
  };
  only.forEach(visit);
  return [...wanted];
}
