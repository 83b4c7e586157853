/** `runbook describe`: one runbook, its inputs, and how to start it. */
import type { Register } from '../context.ts';
import { inputFlags } from '../inputs.ts';
import { flagHelp } from '../run-options.ts';
import { findRunbook } from '../runbooks.ts';
import { table } from '../text.ts';

export const register: Register = (program, context) => {
  program
    .command('describe')
    .description('describe a runbook and its inputs')
    .argument('<runbook>')
    .option('--json', 'as JSON, the inputs as JSON Schema')
    .action(async (name: string, options: { json?: boolean }) => {
      const runbook = findRunbook(await context.runbooks(), name);
      if (options.json) {
        const { z } = await import('zod');
        const { input, ...rest } = runbook;
        return context.printJson({
          ...rest,
          input: z.toJSONSchema(input, { io: 'input', unrepresentable: 'any' }),
        });
      }
      const facts = [
        runbook.mutates ? 'changes the system; can be planned' : 'changes nothing',
        ...(runbook.exclusive ? ['one at a time on a system'] : []),
        ...(runbook.covers.length > 0 ? [`covers ${runbook.covers.join(', ')}`] : []),
      ];
      const flags = inputFlags(runbook.input).map((flag) => [
        `  ${flagHelp(flag).flags}`,
        flagHelp(flag).description,
      ]);
      context.print([
        `${runbook.name}: ${runbook.title}`,
        '',
        runbook.summary,
        `(${facts.join('; ')})`,
        '',
        'Inputs:',
        ...table([['  --system <name>', 'The system to operate. (required)'], ...flags]),
        ...(runbook.examples.length > 0
          ? ['', 'Examples:', ...runbook.examples.map((example) => `  ${example}`)]
          : []),
      ]);
    });
};
