/** `runbook schema`: the JSON Schema of inventories, for editors. */
import type { Register } from '../context.ts';

export const register: Register = (program, context) => {
  program
    .command('schema')
    .description('print the JSON Schema of inventories, for editors')
    .action(async () => {
      const { systemJsonSchema } = await import('../../inventory/json-schema.ts');
      context.printJson(systemJsonSchema());
    });
};
