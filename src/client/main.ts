/** Entry of the `runbook` command: reads the arguments, shows errors as one message, ends with a documented exit code. */
import { CommanderError } from 'commander';
import { Context } from './context.ts';
import { explain } from './errors.ts';
import { exitCodes } from './exit-codes.ts';
import { buildProgram } from './program.ts';
import { lines } from './text.ts';

/** Only these need the catalogue to know what options there are; loading it takes a fifth of a second. */
const needRunbooks = new Set(['run', 'plan', 'completion', 'help']);

/** Runs one command line and returns its exit code. */
export async function main(args: readonly string[], context: Context): Promise<number> {
  const debug = Boolean(context.env['RUNBOOK_DEBUG']);
  try {
    const runbooks = args.some((arg) => needRunbooks.has(arg)) ? await context.runbooks() : [];
    await buildProgram(context, runbooks).parseAsync(args, { from: 'user' });
    return context.exitCode;
  } catch (error) {
    // commander has printed its message, or the help, itself.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
    const shown = explain(error);
    const hint = shown.hint === undefined ? [] : lines(shown.hint);
    context.note([`runbook: ${lines(shown.message).join('\n')}`, ...hint].join('\n'));
    if (debug) context.note((error as Error).stack ?? '');
    return shown.exitCode;
  }
}

// `runbook timeline ... | head` closes our output early: that is the reader's right, and no error.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(exitCodes.done);
    throw error;
  });
}

const { stdout, stderr, env } = process;
const code = await main(process.argv.slice(2), new Context({ stdout, stderr, env }));
process.exitCode = code;
// Connections are closed; whatever else a library keeps open must not keep the command from ending.
setTimeout(() => process.exit(code), 500).unref();
