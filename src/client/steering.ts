/** What the commands that say something to a run have in common. */
import type { Command } from 'commander';
import type { Context } from './context.ts';
import type { RunbookClient, UpdateName } from './runs.ts';
import { oneLine } from './text.ts';

/** The run, by id (unique beginnings will do) or as the only open one of a system. */
export function addRunArgument(command: Command): Command {
  return command
    .argument('[run]', 'id of the run; its beginning, or that of its last part, is enough when unique')
    .option('--system <name>', 'instead of an id: the only open run on this system');
}

/** The same for a command that says something to the run. */
export function addSteering(command: Command): Command {
  return addRunArgument(command).option('--json', 'the answer as JSON');
}

type Arguments = Record<string, unknown>;

/** Sends one update and prints the run's answer. */
export async function steer(
  context: Context,
  command: Command,
  run: { typed: string | undefined; system?: string | undefined },
  name: UpdateName,
  args: Arguments | ((runs: RunbookClient, id: string) => Promise<Arguments>),
): Promise<void> {
  await context.withRuns(command, async (runs) => {
    const id = await runs.resolve(run.typed, run.system);
    const body = typeof args === 'function' ? await args(runs, id) : args;
    const { text } = await runs.update(id, name, body);
    if (command.opts()['json']) context.printJson({ id, text });
    else context.print(`${id}: ${oneLine(text)}`);
  });
}
