/** J7: every service asked in its own protocol, databases and caches included, all in one report. */
import { checkServices } from './parts/procedures/services.ts';
import { runbook } from './parts/runbook.ts';

export const checkHealth = runbook({
  name: 'check-health',
  title: 'Health check',
  summary:
    'Asks every service once, in its own protocol, and reports status, latency and what is wrong. Changes nothing.',
  covers: ['J7', 'J3'],
  mutates: false,
  onFailure: 'fail',
  input: {},
  examples: ['runbook run check-health --system demo --json'],

  async steps(run) {
    const services = await checkServices(run, Object.keys(run.system.services));
    const failed = services.filter((one) => !one.healthy).map((one) => `${one.service}: ${one.detail}`);
    return { healthy: failed.length === 0, checkedAt: run.now, services, failed };
  },
});
