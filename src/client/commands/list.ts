/** `runbook list`: every runbook there is. */
import type { Register } from '../context.ts';
import { table } from '../text.ts';

export const register: Register = (program, context) => {
  program
    .command('list')
    .description('list the runbooks')
    .option('--json', 'as JSON')
    .action(async (options: { json?: boolean }) => {
      const runbooks = await context.runbooks();
      if (options.json) {
        const fields = runbooks.map(({ name, title, summary, covers, mutates, exclusive }) => ({
          name,
          title,
          summary,
          covers,
          mutates,
          exclusive,
        }));
        return context.printJson(fields);
      }
      context.print(
        table(runbooks.map(({ name, mutates, summary }) => [name, mutates ? 'changes' : 'looks', summary])),
      );
      context.print('\nMore: runbook describe <runbook>');
    });
};
