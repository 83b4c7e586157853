/**
 * What a step costs beside its command: a run of many steps in sequence, each one activity that runs `/bin/true`, against the
 * same command run as often through the same `exec`, in this process. The run's own start and end are in the figure.
 */
import { run as execute } from '../../../src/exec/index.ts';
import { inTurns, median, raw, timed } from '../support/measure.ts';
import { prepareProbe } from '../support/probe.ts';
import type { Measured } from '../support/result.ts';
import type { Setting } from '../support/setting.ts';

export const ids = ['step-overhead'];
const steps = 200;
const turns = 3;
const command = ['/bin/true'] as const;

export async function measure({ stage }: Setting): Promise<Measured[]> {
  const probe = await prepareProbe(stage, 'steps', command);
  const worker = await probe.worker();
  const runOf = async (count: number) => {
    const { id } = await stage.runs.startRun('bench-steps', { system: probe.system, steps: count });
    await stage.runs.result(id);
  };
  await runOf(20);
  const seconds = await inTurns(turns, {
    runbook: async () => await timed(async () => await runOf(steps)),
    direct: async () =>
      await timed(async () => {
        for (let number = 0; number < steps; number += 1) {
          await execute({ argv: command, timeoutMs: 10_000 });
        }
      }),
  });
  await worker.kill('SIGTERM');
  const each = seconds.runbook.map((took, turn) => ((took - (seconds.direct[turn] ?? NaN)) / steps) * 1000);
  return [
    {
      id: 'step-overhead',
      value: median(each),
      unit: 'ms a step',
      target: { sense: '<', value: 25 },
      detail: {
        steps,
        runbookSeconds: raw(seconds.runbook),
        directSeconds: raw(seconds.direct),
        runbook:
          'one run of that many steps in sequence, each one activity that runs /bin/true; its start and end included',
        script: '/bin/true as often through the same exec, without Temporal',
      },
    },
  ];
}
