/** `runbook status`: all open runs at a glance, or one in full. */
import type { Command } from 'commander';
import { formatDuration } from '../../inventory/duration.ts';
import type { Context, Register } from '../context.ts';
import { Observer } from '../observe.ts';
import { colorsFor, phaseWord } from '../render/marks.ts';
import { treeLines } from '../render/tree.ts';
import type { OpenRun, RunbookClient } from '../runs.ts';
import { fit, oneLine, table } from '../text.ts';
import type { Phase } from '../../workflows/contract.ts';

export const register: Register = (program, context) => {
  program
    .command('status')
    .description('open runs: system, runbook, phase, since when, waiting for what')
    .argument('[run]', 'one run in full; its beginning, or that of its last part, is enough when unique')
    .option('--system <name>', 'only runs on this system')
    .option('--json', 'as JSON')
    .action(
      async (typed: string | undefined, options: { system?: string; json?: boolean }, command: Command) => {
        await context.withRuns(command, async (runs) => {
          if (typed === undefined) await all(context, runs, options);
          else await one(context, runs, await runs.resolve(typed), options.json === true);
        });
      },
    );
};

async function all(
  context: Context,
  runs: RunbookClient,
  options: { system?: string; json?: boolean },
): Promise<void> {
  const open = await runs.openRuns({ system: options.system });
  const described = await Promise.all(open.map(async (run) => ({ ...run, ...(await waitsFor(runs, run)) })));
  if (options.json) return context.printJson(described);
  if (described.length === 0)
    return context.print(`No open runs${options.system === undefined ? '' : ` on ${options.system}`}.`);
  const colors = colorsFor(context.stdout, context.env);
  const width = context.stdout.columns ?? 200;
  const rows = described.map((run) => [
    run.system,
    run.runbook,
    phaseWord(run.phase as Phase, colors),
    formatDuration(Date.now() - run.startedAt.getTime()),
    run.id,
    oneLine(run.headline),
  ]);
  context.print(
    table([['SYSTEM', 'RUNBOOK', 'PHASE', 'SINCE', 'RUN', 'NOW'], ...rows]).map((line) =>
      context.stdout.isTTY ? fit(line, width) : line,
    ),
  );
}

async function waitsFor(runs: RunbookClient, run: OpenRun): Promise<{ phase: string; headline: string }> {
  const { progress, trouble } = await new Observer(runs, run.id).look();
  if (progress) return { phase: progress.phase, headline: progress.headline };
  const headline =
    trouble?.kind === 'task-failing'
      ? `the worker fails at this run's own code (${trouble.detail}): read its log`
      : 'no worker answers: is `runbook worker` running?';
  return { phase: run.phase, headline };
}

async function one(context: Context, runs: RunbookClient, id: string, json: boolean): Promise<void> {
  const snapshot = await new Observer(runs, id).look();
  if (json) return context.printJson(snapshot);
  const now = Date.now();
  const colors = colorsFor(context.stdout, context.env);
  const options = {
    now,
    width: context.stdout.columns ?? 200,
    height: Number.MAX_SAFE_INTEGER,
    colors,
    address: runs.temporal.address,
  };
  context.print(treeLines(snapshot, options));
  if (!snapshot.progress) {
    context.print([
      `Temporal says: ${snapshot.status}.`,
      snapshot.trouble ? `No worker answers (${snapshot.trouble.detail}).` : 'No worker answers.',
      `From its history: runbook timeline ${id}`,
    ]);
  }
}
