/** `runbook timeline`: what happened in a run, in order. */
import type { Command } from 'commander';
import type { TimelineEntry } from '../../workflows/contract.ts';
import { CliError } from '../errors.ts';
import type { Register } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { timelineFromHistory } from '../history.ts';
import type { RunbookClient } from '../runs.ts';
import { addRunArgument } from '../steering.ts';
import { oneLine } from '../text.ts';

export const register: Register = (program, context) => {
  addRunArgument(
    program.command('timeline').description('what happened in a run, in order; works without a worker'),
  )
    .option('--json', 'as JSON')
    .action(
      async (typed: string | undefined, options: { system?: string; json?: boolean }, command: Command) => {
        await context.withRuns(command, async (runs) => {
          const id = await runs.resolve(typed, options.system);
          const { source, entries } = await read(runs, id);
          if (options.json) return context.printJson(entries);
          if (source === 'history') context.note('No worker answers: this is read from the history itself.');
          context.print(
            entries.map(({ at, kind, text, by }) => {
              const who = by === undefined || text.includes(by) ? '' : `  (${oneLine(by)})`;
              return `${at}  ${kind.padEnd(10)}  ${oneLine(text)}${who}`;
            }),
          );
        });
      },
    );
};

async function read(
  runs: RunbookClient,
  id: string,
): Promise<{ source: 'run' | 'history'; entries: TimelineEntry[] }> {
  try {
    return { source: 'run', entries: await runs.timeline(id, 5000) };
  } catch (error) {
    if (!(error instanceof CliError) || error.exitCode !== exitCodes.noWorker) throw error;
    const { events } = await runs.handle(id).fetchHistory();
    return { source: 'history', entries: timelineFromHistory(events ?? []) };
  }
}
