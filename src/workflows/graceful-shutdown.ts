/** J4: users are warned, work in hand ends, the data is backed up, databases stop last. */
import { z } from 'zod';
import { stopOrder } from '../inventory/order.ts';
import { lengthOfTime, sentence } from './parts/input.ts';
import { takeBackup } from './parts/procedures/backup.ts';
import { serviceRequest, stopServices, whatRuns } from './parts/procedures/services.ts';
import { closeTraffic } from './parts/procedures/traffic.ts';
import { runbook } from './parts/runbook.ts';

export const gracefulShutdown = runbook({
  name: 'graceful-shutdown',
  title: 'Graceful shutdown',
  summary:
    'Warns users, closes the doors while the services can still be asked, lets work in hand finish, stops applications in reverse order, backs up, stops databases last and archives the logs. No volume is ever removed.',
  covers: ['J4'],
  input: {
    reason: sentence.describe('Why, for the users and the record.'),
    notice: lengthOfTime.optional().describe('How long users are warned. Default: the inventory.'),
    backup: z.boolean().default(true).describe('Back up before the databases stop.'),
  },
  examples: ['runbook run graceful-shutdown --system demo --reason "kernel update" --notice 5m'],

  async steps(run, { reason, notice, backup }) {
    const { system } = run;
    await run.notice(`${system.title} stops: ${reason}`, notice ?? system.notice.shutdown);
    const names = Object.keys(system.services);
    const before = await whatRuns(run, names);
    await closeTraffic(run, new Set(names.filter((name) => before.get(name)?.running)));
    const order = stopOrder(system);
    await stopServices(run, order.applications, before);
    const taken =
      backup && system.backup
        ? await run.group('Back up before the databases stop', (inner) => takeBackup(inner, 'shutdown'))
        : null;
    await stopServices(run, order.databases, before);
    // Everything is down as asked: starting it all again is a start, not an undo.
    run.commit('the system is stopped');
    const logs = await run.step(
      'Archive the logs',
      (activities) =>
        activities.archiveLogs({
          system: system.name,
          stateDirectory: system.stateDirectory,
          services: names.map((name) => serviceRequest(system, name)),
          destination: system.backup?.destination ?? null,
          archive: `shutdown-${run.stamp}`,
        }),
      { ifSkipped: null },
    );
    return { stopped: names, backup: taken, logs };
  },
});
