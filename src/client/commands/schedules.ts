/** `runbook schedules`: shows and applies the schedules that the inventories want. */
import type { Command } from 'commander';
import { CliError, usageError } from '../errors.ts';
import type { Context, Register } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { changeLines, scheduleChanges, wantedSchedules } from '../schedules.ts';
import { table } from '../text.ts';

export const register: Register = (program, context) => {
  const schedules = program
    .command('schedules')
    .description('show or apply the schedules of the inventories');
  schedules
    .command('list')
    .description('the schedules of ours that Temporal has')
    .option('--json', 'as JSON')
    .action(async (options: { json?: boolean }, command: Command) => {
      const { existingSchedules } = await import('../schedules-apply.ts');
      await context.withRuns(command, async (runs) => {
        const ours = (await existingSchedules(runs.temporal.client)).filter((schedule) => schedule.ours);
        if (options.json) return context.printJson(ours);
        if (ours.length === 0) return context.print('There are none. Make them: runbook schedules apply');
        context.print(
          table(
            ours.map(({ id, facts, paused, next }) => [
              id,
              facts?.runbook ?? '?',
              facts?.cron ?? '?',
              facts?.timeZone ?? '',
              paused ? 'paused' : `next ${next?.toISOString() ?? 'never'}`,
            ]),
          ),
        );
      });
    });
  schedules
    .command('apply')
    .description('make the schedules as the inventories want them; prints the changes first')
    .option('--dry-run', 'only print the changes')
    .option('--prune', 'also delete those of systems that have no inventory here')
    .option('--json', 'as JSON: the changes, and whether they were made')
    .action(async (options: ApplyOptions, command: Command) => {
      await apply(context, command, options);
    });
};

interface ApplyOptions {
  dryRun?: boolean;
  prune?: boolean;
  json?: boolean;
}

async function apply(context: Context, command: Command, options: ApplyOptions): Promise<void> {
  const { formatProblem, loadInventory } = await import('../../inventory/index.ts');
  const directory = context.systemsDirectory(command);
  const { systems, problems } = await loadInventory(directory);
  // A broken file would look as if its schedules had been removed.
  if (problems.length > 0)
    throw usageError(
      `Nothing was changed: inventories have problems.\n${problems.map(formatProblem).join('\n')}`,
    );
  const { existingSchedules, applyChange } = await import('../schedules-apply.ts');
  await context.withRuns(command, async (runs) => {
    const all = [...systems.values()];
    const { wanted, problems: wrong } = wantedSchedules(all, await context.runbooks(), runs.taskQueue);
    if (wrong.length > 0)
      throw usageError(`Nothing was changed: schedules have problems.\n  ${wrong.join('\n  ')}`);
    const { client } = runs.temporal;
    const changes = scheduleChanges(
      wanted,
      await existingSchedules(client),
      new Set(systems.keys()),
      options.prune,
    );
    const print = (text: string | string[]) => {
      if (!options.json) context.print(text);
    };
    print(changeLines(changes));
    const todo = changes.filter(({ kind }) => kind === 'create' || kind === 'update' || kind === 'delete');
    if (todo.length === 0) print('Nothing to do.');
    else if (options.dryRun) print(`${todo.length} to change; nothing was changed (--dry-run).`);
    else {
      for (const change of todo) await applyChange(client, change);
      print(`${todo.length} changed.`);
    }
    if (options.json) {
      const made = options.dryRun !== true;
      context.printJson(changes.map((change) => ({ ...change, made: made && todo.includes(change) })));
    }
    if (changes.some(({ kind, id }) => kind === 'left-alone' && wanted.some((want) => want.id === id))) {
      throw new CliError(
        exitCodes.failed,
        'Not every schedule could be made: see the lines that begin with !',
      );
    }
  });
}
