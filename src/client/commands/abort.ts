/** `runbook abort`: end a run: no further step starts, what can be undone is undone. */
import type { Command } from 'commander';
import type { Register } from '../context.ts';
import { addSteering, steer } from '../steering.ts';

interface Options {
  system?: string;
  reason: string;
}

export const register: Register = (program, context) => {
  addSteering(
    program.command('abort').description('end a run: no further step starts, what can be undone is undone'),
  )
    .requiredOption('--reason <text>', 'why, for the record')
    .action(async (typed: string | undefined, options: Options, command: Command) => {
      await steer(context, command, { typed, system: options.system }, 'abort', { reason: options.reason });
    });
};
