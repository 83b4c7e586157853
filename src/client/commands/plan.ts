/** `runbook plan`: walks the real workflow and shows every command it would run, without running one. */
import { addRunbookCommands } from '../run-options.ts';
import type { Register } from '../context.ts';
import { startAndFollow } from '../start.ts';

export const register: Register = (program, context, runbooks) => {
  const plan = program
    .command('plan')
    .description('show what a runbook would do: every command, nothing is changed');
  const plannable = runbooks.filter((runbook) => runbook.mutates);
  addRunbookCommands(plan, context, plannable, startAndFollow(context));
};
