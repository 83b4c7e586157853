/** `runbook skip-notice`: end a notice early. */
import type { Command } from 'commander';
import type { Register } from '../context.ts';
import { addSteering, steer } from '../steering.ts';

interface Options {
  system?: string;
  reason: string;
}

export const register: Register = (program, context) => {
  addSteering(program.command('skip-notice').description('end a notice early'))
    .requiredOption('--reason <text>', 'why, for the record')
    .action(async (typed: string | undefined, options: Options, command: Command) => {
      await steer(context, command, { typed, system: options.system }, 'skipNotice', {
        reason: options.reason,
      });
    });
};
