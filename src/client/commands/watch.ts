/** `runbook watch`: comes back to a run, open or ended. */
import type { Command } from 'commander';
import type { Register } from '../context.ts';
import { addRunArgument } from '../steering.ts';
import { follow } from '../start.ts';

export const register: Register = (program, context) => {
  addRunArgument(program.command('watch').description('follow a run; Ctrl-C detaches, the run goes on'))
    .option('--json', 'one JSON object a line')
    .action(
      async (typed: string | undefined, options: { system?: string; json?: boolean }, command: Command) => {
        await context.withRuns(command, async (runs) => {
          const id = await runs.resolve(typed, options.system);
          const { runId } = await runs.describe(id);
          await follow(context, runs, { id, runId, attached: true }, options.json === true);
        });
      },
    );
};
