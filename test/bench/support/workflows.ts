/** Runbooks for measurements alone. What they do is made of the product's own parts: its steps, its activities. */
import { z } from 'zod';
import { serviceRequest } from '../../../src/workflows/parts/procedures/services.ts';
import { runbook } from '../../../src/workflows/parts/runbook.ts';
// The lock is a workflow of its own, which a run starts as its child.
export * from '../../../src/workflows/index.ts';

/** So many steps one after the other, each one activity that runs the health command of `probe`. */
export const benchSteps = runbook({
  name: 'bench-steps',
  title: 'Steps in sequence',
  summary: 'For measurements.',
  mutates: false,
  onFailure: 'fail',
  input: { steps: z.number().int().min(0).max(5000) },
  async steps(run, { steps }) {
    for (let number = 1; number <= steps; number += 1) {
      const health = await run.step(`Step ${number}`, (activities) =>
        activities.checkService(serviceRequest(run.system, 'probe')),
      );
      if (!health.healthy) throw new Error(health.detail);
    }
    return { steps };
  },
});
