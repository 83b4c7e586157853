/** `runbook skip`: go on without a parked step. */
import type { Command } from 'commander';
import type { Register } from '../context.ts';
import { addSteering, steer } from '../steering.ts';

interface Options {
  system?: string;
  reason: string;
  step?: string;
}

export const register: Register = (program, context) => {
  addSteering(program.command('skip').description('go on without a parked step'))
    .requiredOption('--reason <text>', 'why, for the record')
    .option('--step <id>', 'which step, when more than one is parked')
    .action(async (typed: string | undefined, options: Options, command: Command) => {
      await steer(context, command, { typed, system: options.system }, 'skipStep', {
        reason: options.reason,
        ...(options.step === undefined ? {} : { step: options.step }),
      });
    });
};
