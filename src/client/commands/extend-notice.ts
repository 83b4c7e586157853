/** `runbook extend-notice`: give users more time. */
import type { Command } from 'commander';
import type { Register } from '../context.ts';
import { addSteering, steer } from '../steering.ts';

interface Options {
  system?: string;
  for: string;
}

export const register: Register = (program, context) => {
  addSteering(program.command('extend-notice').description('give users more time'))
    .requiredOption('--for <duration>', 'added to what is left, such as 5m')
    .action(async (typed: string | undefined, options: Options, command: Command) => {
      await steer(context, command, { typed, system: options.system }, 'extendNotice', { for: options.for });
    });
};
