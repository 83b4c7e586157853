/**
 * From `kill -9` of the worker in the middle of an activity, a new worker being started at once, to the beginning of that
 * activity's next attempt. Killed at different moments of the heartbeat's period, so that none is favoured.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { waitUntil } from '../../../tools/lib/wait.ts';
import { median, raw } from '../support/measure.ts';
import { type ActivityEvent, prepareProbe } from '../support/probe.ts';
import { type Measured, rounded } from '../support/result.ts';
import type { Setting } from '../support/setting.ts';

export const ids = ['resume-after-kill', 'resume-after-kill-worst'];

/** An activity that lasts: it is killed long before its end. */
const command = ['/bin/sleep', '9'];
const earliestMs = 700;
const spreadMs = 2000;

export async function measure({ stage, options }: Setting): Promise<Measured[]> {
  const kills = options.full ? 20 : 8;
  const probe = await prepareProbe(stage, 'resume', command);
  const seconds: number[] = [];
  const starts: number[] = [];
  let worker = await probe.worker();
  for (let kill = 0; kill < kills; kill += 1) {
    const { id } = await stage.runs.startRun('bench-steps', { system: probe.system, steps: 1 });
    const begun = async (wanted: (event: ActivityEvent) => boolean) =>
      await waitUntil(
        async () =>
          (await probe.events()).find(
            (event) => event.workflowId === id && event.activity === 'checkService' && wanted(event),
          ),
        { timeoutMs: 60_000, what: 'the activity to begin' },
      );
    await begun(({ attempt }) => attempt === 1);
    await sleep(earliestMs + (spreadMs * kill) / kills);
    const killedAt = Date.now();
    // The new one is started as the old one dies: as a supervisor does it.
    const [, started] = await Promise.all([worker.kill(), probe.worker()]);
    worker = started;
    const next = await begun(({ attempt }) => attempt > 1);
    seconds.push((next.at - killedAt) / 1000);
    starts.push(started.readyMs / 1000);
    await stage.runs.handle(id).terminate('measured');
  }
  await worker.kill();
  const detail = {
    kills,
    seconds: raw(seconds),
    workerReadySeconds: rounded(median(starts)),
    what: 'from SIGKILL to the start of the next attempt, as the new worker notes it',
  };
  return [
    {
      id: 'resume-after-kill',
      value: median(seconds),
      unit: 's (median)',
      target: { sense: '<', value: 6 },
      detail,
    },
    {
      id: 'resume-after-kill-worst',
      value: Math.max(...seconds),
      unit: 's (worst)',
      target: { sense: '<', value: 15 },
      detail,
    },
  ];
}
