/** The whole `runbook` command, put together from its subcommands. */
import { Command } from 'commander';
import { register as abort } from './commands/abort.ts';
import { register as acknowledge } from './commands/acknowledge.ts';
import { register as approve } from './commands/approve.ts';
import { register as backups } from './commands/backups.ts';
import { register as completion } from './commands/completion.ts';
import { register as describe } from './commands/describe.ts';
import { register as dev } from './commands/dev.ts';
import { register as extendNotice } from './commands/extend-notice.ts';
import { register as list } from './commands/list.ts';
import { register as plan } from './commands/plan.ts';
import { register as reject } from './commands/reject.ts';
import { register as retry } from './commands/retry.ts';
import { register as run } from './commands/run.ts';
import { register as schedules } from './commands/schedules.ts';
import { register as schema } from './commands/schema.ts';
import { register as skip } from './commands/skip.ts';
import { register as skipNotice } from './commands/skip-notice.ts';
import { register as status } from './commands/status.ts';
import { register as timeline } from './commands/timeline.ts';
import { register as validate } from './commands/validate.ts';
import { register as watch } from './commands/watch.ts';
import { register as worker } from './commands/worker.ts';
import type { Context, Register } from './context.ts';
import { exitCodeHelp } from './exit-codes.ts';
import type { Runbook } from './runbooks.ts';

/** In the order of the help. */
const commands: readonly [heading: string, registers: readonly Register[]][] = [
  ['Look:', [list, describe, validate, status, timeline, backups]],
  ['Run:', [plan, run, watch]],
  ['Steer a run:', [approve, reject, acknowledge, retry, skip, abort, extendNotice, skipNotice]],
  ['Operate:', [schedules, worker, dev, schema, completion]],
];

/** `runbooks` become subcommands of `run` and `plan`; an empty list leaves them out. */
export function buildProgram(context: Context, runbooks: readonly Runbook[]): Command {
  const program = new Command('runbook')
    .description('Operations runbooks that survive crashes.')
    .option('--systems <directory>', 'inventories (default: $RUNBOOK_SYSTEMS, ./systems)')
    .option('--address <host:port>', 'Temporal (default: $TEMPORAL_ADDRESS, the profile, localhost:7233)')
    .option('--namespace <name>', 'Temporal namespace')
    .option('--profile <name>', "profile of the Temporal CLI's configuration file")
    .option('--task-queue <name>', 'task queue of the workers (default: runbooks)')
    .option('--as <name>', 'who you are, for approvals and the record (default: $RUNBOOK_AS, the login name)')
    .addHelpText('after', `\n${exitCodeHelp}`)
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.stdout.write(text),
      writeErr: (text) => context.stderr.write(text),
      outputError: (text, write) => write(text.replace(/^error: /, 'runbook: ')),
      getOutHelpWidth: () => Math.min(context.stdout.columns ?? 100, 120),
      getErrHelpWidth: () => Math.min(context.stderr.columns ?? 100, 120),
    });
  for (const [heading, registers] of commands) {
    program.commandsGroup(heading);
    for (const register of registers) register(program, context, runbooks);
  }
  return program;
}
