/** `runbook validate`: everything wrong with inventories, with file, line and hint. */
import type { Command } from 'commander';
import type { Inventory, Problem } from '../../inventory/index.ts';
import type { System } from '../../inventory/schema/system.ts';
import type { Register } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { wantedSchedules } from '../schedules.ts';

export const register: Register = (program, context) => {
  program
    .command('validate')
    .description('check inventories, and that their schedules name runbooks and inputs that exist')
    .argument('[files...]', 'default: all of the inventory directory')
    .option('--json', 'as JSON')
    .action(async (files: string[], options: { json?: boolean }, command: Command) => {
      const { formatProblem, loadInventory, loadSystemFile } = await import('../../inventory/index.ts');
      const loaded =
        files.length === 0
          ? await loadInventory(context.systemsDirectory(command))
          : gather(await Promise.all(files.map(async (file) => await loadSystemFile(file))));
      const systems = [...loaded.systems.values()];
      const schedules = wantedSchedules(systems, await context.runbooks(), '').problems;
      const good = loaded.problems.length === 0 && schedules.length === 0;
      if (!good) context.exitCode = exitCodes.usage;
      if (options.json) {
        return context.printJson({
          valid: good,
          systems: systems.map(({ name }) => name),
          problems: loaded.problems,
          warnings: loaded.warnings,
          schedules,
        });
      }
      for (const problem of loaded.problems) context.print(formatProblem(problem));
      for (const problem of schedules) context.print(problem);
      for (const warning of loaded.warnings) context.print(`warning: ${formatProblem(warning)}`);
      const count = loaded.problems.length + schedules.length;
      const names = systems.map(({ name }) => name).join(', ');
      if (good) context.print(systems.length === 0 ? 'There are no inventories.' : `Valid: ${names}`);
      else context.print(`${count} problem${count === 1 ? '' : 's'}.`);
    });
};

/** Files named one by one: each by itself, so two of one name are not compared. */
function gather(parsed: readonly { system?: System; problems: Problem[]; warnings: Problem[] }[]): Inventory {
  return {
    systems: new Map(parsed.flatMap(({ system }) => (system ? [[system.name, system]] : []))),
    problems: parsed.flatMap(({ problems }) => problems),
    warnings: parsed.flatMap(({ warnings }) => warnings),
  };
}
