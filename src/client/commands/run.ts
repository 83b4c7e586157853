/** `runbook run`: starts a runbook and follows it. */
import { addRunbookCommands } from '../run-options.ts';
import type { Register } from '../context.ts';
import { startAndFollow } from '../start.ts';

export const register: Register = (program, context, runbooks) => {
  const run = program
    .command('run')
    .description('start a runbook and follow it; Ctrl-C detaches, the run goes on');
  addRunbookCommands(run, context, runbooks, startAndFollow(context));
};
