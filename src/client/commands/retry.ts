/** `runbook retry`: try a parked step again. */
import type { Command } from 'commander';
import type { Register } from '../context.ts';
import { addSteering, steer } from '../steering.ts';

interface Options {
  system?: string;
  step?: string;
}

export const register: Register = (program, context) => {
  addSteering(program.command('retry').description('try a parked step again'))
    .option('--step <id>', 'which step, when more than one is parked')
    .action(async (typed: string | undefined, options: Options, command: Command) => {
      await steer(
        context,
        command,
        { typed, system: options.system },
        'retryStep',
        options.step === undefined ? {} : { step: options.step },
      );
    });
};
