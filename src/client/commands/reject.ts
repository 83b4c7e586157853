/** `runbook reject`: reject what waits for approval. */
import type { Command } from 'commander';
import type { Register } from '../context.ts';
import { addSteering, steer } from '../steering.ts';

interface Options {
  system?: string;
  reason: string;
}

export const register: Register = (program, context) => {
  addSteering(program.command('reject').description('reject what waits for approval'))
    .requiredOption('--reason <text>', 'why, for the record')
    .action(async (typed: string | undefined, options: Options, command: Command) => {
      await steer(context, command, { typed, system: options.system }, 'reject', { reason: options.reason });
    });
};
