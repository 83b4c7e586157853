/** From the start of `runbook worker` to its first poll, with the workflow bundle built beforehand, as an image has it. */
import path from 'node:path';
import { workflowBundle } from '../../../src/temporal/bundle.ts';
import { median, raw } from '../support/measure.ts';
import { startProgram } from '../support/program.ts';
import type { Measured } from '../support/result.ts';
import type { Setting } from '../support/setting.ts';

export const ids = ['worker-start'];
const turns = 5;
const project = path.resolve(import.meta.dirname, '../../..');

export async function measure({ stage }: Setting): Promise<Measured[]> {
  await workflowBundle();
  const seconds: number[] = [];
  for (let turn = 0; turn < turns; turn += 1) {
    const worker = await startProgram(
      [
        path.join(project, 'bin', 'runbook.js'),
        ...['worker', '--address', stage.temporal.address, '--systems', path.join(project, 'systems')],
      ],
      'ready:',
    );
    seconds.push(worker.readyMs / 1000);
    await worker.kill('SIGTERM');
  }
  return [
    {
      id: 'worker-start',
      value: median(seconds),
      unit: 's',
      target: { sense: '<', value: 3 },
      detail: {
        seconds: raw(seconds),
        what: 'from the start of the process to its line "ready", printed when the server has seen it poll',
      },
    },
  ];
}
