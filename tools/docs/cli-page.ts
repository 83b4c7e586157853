/** docs/cli.md: the help of every subcommand, as the command itself prints it. */
import { Writable } from 'node:stream';
import type { Command } from 'commander';
import { Context } from '../../src/client/context.ts';
import { buildProgram } from '../../src/client/program.ts';
import { loadRunbooks } from '../../src/client/runbooks.ts';
import { fence, generatedBy } from './markdown.ts';

/** Columns of the help as printed here; the same wherever this runs. */
const columns = 100;

export async function cliPage(): Promise<string> {
  const nowhere = Object.assign(new Writable({ write: (_chunk, _encoding, done) => done() }), { columns });
  const stream = nowhere as unknown as NodeJS.WriteStream;
  const program = buildProgram(
    new Context({ stdout: stream, stderr: stream, env: {} }),
    await loadRunbooks(),
  );
  const commands = program.commands.flatMap((command) => walk(command, command.name()));
  return [
    '# The `runbook` command',
    generatedBy,
    'In a checkout it is `npx runbook`, or `node src/client/main.ts`; in the image it is `runbook`. Results go to standard output, remarks to standard error. `--json` prints what is shown as JSON; with `run` and `watch`, one object a line.',
    '## runbook',
    fence('text', help(program)),
    ...commands.map(([name, command]) => `## runbook ${name}\n\n${fence('text', help(command))}`),
  ].join('\n\n');
}

function walk(command: Command, name: string): [string, Command][] {
  return [
    [name, command],
    ...command.commands.flatMap((child) =>
      child.name() === 'help' ? [] : walk(child, `${name} ${child.name()}`),
    ),
  ];
}

/** With what stands after it: examples, exit codes. */
function help(command: Command): string {
  let text = '';
  const before = command.configureOutput();
  command.configureOutput({
    ...before,
    writeOut: (more) => (text += more),
    getOutHelpWidth: () => columns,
  });
  command.outputHelp();
  command.configureOutput(before);
  return text;
}
