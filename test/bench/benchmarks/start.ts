/** Starting a system of six services, against a script that starts them one after the other. Both from everything stopped to everything healthy. */
import { inTurns, raw, speedRatio, timed } from '../support/measure.ts';
import type { Measured } from '../support/result.ts';
import { libpq, script } from '../support/scripts.ts';
import type { Setting } from '../support/setting.ts';

export const ids = ['start-vs-sequence'];
const turns = 5;
const shopBytes = 40e6;

export async function measure({ stage }: Setting): Promise<Measured[]> {
  const demo = await stage.prepare('start', shopBytes);
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
  return [
    {
      id: 'start-vs-sequence',
      value: speedRatio(seconds.runbook, seconds.script),
      unit: 'times as fast',
      target: { sense: '>=', value: 1.5 },
      detail: {
        runbookSeconds: raw(seconds.runbook),
        scriptSeconds: raw(seconds.script),
        runbook:
          'start-system from the request to its report: lock, look, pre-flight checks, six services, traffic, full health check',
        script: 'six services in the order of their dependencies, each asked every 0.1 s until it is healthy',
      },
    },
  ];
}
