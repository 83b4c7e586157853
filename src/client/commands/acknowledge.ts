/** `runbook acknowledge`: acknowledge: paging stops. */
import type { Command } from 'commander';
import type { Register } from '../context.ts';
import { addSteering, steer } from '../steering.ts';

interface Options {
  system?: string;
}

export const register: Register = (program, context) => {
  addSteering(program.command('acknowledge').description('acknowledge: paging stops')).action(
    async (typed: string | undefined, options: Options, command: Command) => {
      await steer(context, command, { typed, system: options.system }, 'acknowledge', {});
    },
  );
};
