/** The options of `run` and `plan`: the fixed ones, and those made from a runbook's input. */
import type { Command } from 'commander';
import type { Context } from './context.ts';
import { checkInput, gatherInput, type InputFlag, inputFlags } from './inputs.ts';
import { usageError } from './errors.ts';
import { findRunbook, type Runbook } from './runbooks.ts';
import { suggestion } from './suggest.ts';

export interface RunOptions {
  system: string;
  id?: string;
  json?: boolean;
  detach?: boolean;
  dryRun?: boolean;
  input?: string[];
  jsonInput?: string;
  [flag: string]: unknown;
}

export type Start = (
  runbook: Runbook,
  input: { system: string },
  options: RunOptions,
  command: Command,
) => Promise<void>;

/** How a flag reads in help: `--kind <text>`, and what it means. */
export function flagHelp(flag: InputFlag): { flags: string; description: string } {
  const value = { string: ' <text>', number: ' <number>', list: ' <item...>', json: ' <json>', boolean: '' }[
    flag.kind
  ];
  const flags =
    flag.kind === 'boolean' ? `${flag.flag}, ${flag.flag.replace('--', '--no-')}` : flag.flag + value;
  const remarks = [
    ...(flag.required ? ['required'] : []),
    ...(flag.choices ? [`one of ${flag.choices.join(', ')}`] : []),
    ...(flag.default === undefined || isEmpty(flag.default) ? [] : [`default ${show(flag.default)}`]),
  ];
  return {
    flags,
    description: `${flag.description}${remarks.length > 0 ? ` (${remarks.join('; ')})` : ''}`.trim(),
  };
}

/** Makes every runbook a subcommand of `parent`, and gives what is no runbook one clear answer. */
export function addRunbookCommands(
  parent: Command,
  context: Context,
  runbooks: readonly Runbook[],
  start: Start,
): void {
  const verb = parent.name();
  parent.commandsGroup('Runbooks:');
  for (const runbook of runbooks) {
    const command = parent
      .command(runbook.name)
      .summary(runbook.title)
      .description(`${runbook.title}. ${runbook.summary}`)
      .requiredOption('--system <name>', 'the system to operate');
    for (const flag of inputFlags(runbook.input)) addFlag(command, flag);
    command
      .option('--input <field=value>', 'an input, by its name; repeatable', collect)
      .option('--json-input <json>', 'all inputs, as one JSON object')
      .option('--id <id>', 'the id of the run: a second start with it attaches to the first')
      .option('--detach', 'only start it and print its id')
      .option('--json', 'one JSON object a line');
    if (verb === 'run' && runbook.mutates) command.option('--dry-run', 'the same as `runbook plan`');
    if (runbook.examples.length > 0) {
      command.addHelpText(
        'after',
        `\nExamples:\n${runbook.examples.map((example) => `  ${example}`).join('\n')}`,
      );
    }
    command.action(async (options: RunOptions) => {
      const flags = Object.fromEntries(
        inputFlags(runbook.input).map((flag) => [flag.field, options[attribute(flag)]]),
      );
      const given = gatherInput(runbook, {
        assignments: options.input ?? [],
        json: options.jsonInput,
        flags,
      });
      const input = {
        ...given,
        system: options.system,
        ...(verb === 'plan' || options.dryRun ? { dryRun: true } : {}),
      };
      checkInput(runbook, input);
      await context.system(command, options.system);
      await start(runbook, input, options, command);
    });
  }
  parent
    .usage('<runbook> --system <name> [inputs] [options]')
    .argument('[runbook]')
    .allowUnknownOption()
    .allowExcessArguments()
    .action(async (name?: string) => {
      const all = await context.runbooks();
      const usable = runbooks.map((runbook) => runbook.name);
      if (name === undefined)
        throw usageError(
          `Which runbook? \`runbook ${verb} <runbook> --system <name>\``,
          suggestion('', usable, 'runbooks'),
        );
      if (name.startsWith('-')) {
        throw usageError(
          'Options come after the runbook.',
          `runbook ${verb} <runbook> --system <name> ${name.slice(0, 40)} ...`,
        );
      }
      const known = findRunbook(all, name);
      if (known.name !== name)
        throw usageError(`${name} is a workflow type; the runbook's name is ${known.name}.`);
      throw usageError(
        `${name} changes nothing: there is nothing to plan.`,
        `Run it: runbook run ${name} --system <name>`,
      );
    });
}

function addFlag(command: Command, flag: InputFlag): void {
  const { flags, description } = flagHelp(flag);
  if (flag.kind === 'boolean') {
    const [yes = '', no = ''] = flags.split(', ');
    command.option(yes, description).option(no, `not: ${flag.description}`);
    return;
  }
  command.option(flags, description);
}

/** The name under which commander keeps the value. */
function attribute(flag: InputFlag): string {
  return flag.flag.slice(2).replaceAll(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

function collect(value: string, before: string[] = []) {
  return [...before, value];
}

function isEmpty(value: unknown): boolean {
  return value === null || value === '' || (Array.isArray(value) && value.length === 0);
}

function show(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
