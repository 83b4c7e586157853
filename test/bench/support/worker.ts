/** The product's worker with two things added: the runbooks for measurements, and a line in a file for each activity that begins. */
import { appendFileSync } from 'node:fs';
import path from 'node:path';
import { runWorker } from '../../../src/worker.ts';

const [address = '', systemsDirectory = '', bundles = '', events = ''] = process.argv.slice(2);

await runWorker({
  address,
  systemsDirectory,
  workflows: { entry: path.join(import.meta.dirname, 'workflows.ts'), directory: bundles },
  interceptors: [
    ({ info }) => ({
      inbound: {
        async execute(input, next) {
          const { activityType: activity, attempt, workflowExecution } = info;
          const event = { at: Date.now(), activity, attempt, workflowId: workflowExecution?.workflowId };
          appendFileSync(events, `${JSON.stringify(event)}\n`);
          return await next(input);
        },
      },
    }),
  ],
});
