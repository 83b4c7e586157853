/** Starting a system of six services, against a script that starts them one after the other. Both from everything stopped to everything healthy. */
import { inTurns, raw, speedRatio, timed } from '../support/measure.ts';
import type { Measured } from '../support/result.ts';
import { libpq, script } from '../support/scripts.ts';
import type { Stage } from '../support/stage.ts';
import type { Setting } from '../support/setting.ts';

export const ids = ['start-vs-sequence', 'start-vs-sequence-instant'];
const turns = 5;
const shopBytes = 40e6;
/** Services of production systems need 15 to 60 s before they can be used; these two seconds are on the careful side. */
const warmUpSeconds = 2;
const programs = ['api', 'search', 'reports', 'web'] as const;

export async function measure({ stage }: Setting): Promise<Measured[]> {
  const common = {
    runbook:
      'start-system from the request to its report: lock, look, pre-flight checks, six services, traffic, full health check',
    script: 'six services in the order of their dependencies, each asked every 0.1 s until it is healthy',
  };
  const warm = await startBoth(stage, 'start-warm', warmUpSeconds);
  const instant = await startBoth(stage, 'start', 0);
  return [
    {
      id: 'start-vs-sequence',
      value: speedRatio(warm.runbook, warm.script),
      unit: 'times as fast',
      target: { sense: '>=', value: 1.5 },
      detail: {
        runbookSeconds: raw(warm.runbook),
        scriptSeconds: raw(warm.script),
        ...common,
        services: `each of the four programs needs ${warmUpSeconds} s before it is healthy`,
      },
    },
    {
      id: 'start-vs-sequence-instant',
      value: speedRatio(instant.runbook, instant.script),
      unit: 'times as fast',
      target: null,
      detail: {
        runbookSeconds: raw(instant.runbook),
        scriptSeconds: raw(instant.script),
        ...common,
        services:
          'all healthy as soon as they run: nothing to wait for, so that what is left is the cost of the record',
      },
    },
  ];
}

async function startBoth(
  stage: Stage,
  name: string,
  warmUp: number,
): Promise<Record<'runbook' | 'script', number[]>> {
  const demo = await stage.prepare(name, shopBytes, (inventory) => {
    if (warmUp === 0) return;
    for (const program of programs)
      inventory.setIn(
        ['services', program, 'platform', 'environment', 'WARM_UP_SECONDS'],
        inventory.createNode(String(warmUp)),
      );
  });
  const worker = await stage.worker(demo);
  const { ports } = demo;
  const env = {
    ...(await libpq(demo)),
    ROOT: demo.root,
    DB_PORT: String(ports.postgres),
    REDIS_PORT: String(ports.redis),
    API_PORT: String(ports.api),
    SEARCH_PORT: String(ports.search),
    REPORTS_PORT: String(ports.reports),
    WEB_PORT: String(ports.web),
    AS_POSTGRES: process.getuid?.() === 0 ? 'setpriv --reuid=postgres --regid=postgres --init-groups' : '',
    WARM_UP_SECONDS: String(warmUp),
  };
  const sides = {
    async runbook() {
      const took = await timed(async () => {
        const { output } = await stage.run<{ healthy: boolean }>('start-system', demo);
        if (!output.healthy) throw new Error('the shop is not healthy');
      });
      await demo.stopAll();
      return took;
    },
    async script() {
      const took = await timed(async () => {
        await script('start.sh', [], env);
      });
      await demo.stopAll();
      return took;
    },
  };
  // The first start of a copied cluster writes more than later ones: it is nobody's.
  await sides.script();
  const seconds = await inTurns(turns, sides);
  await worker.stop();
  return seconds;
}
