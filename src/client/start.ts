/** Starting a run and staying with it, for `run`, `plan` and `watch`. */
import type { Context } from './context.ts';
import { checkChosenId } from './identifiers.ts';
import type { Start } from './run-options.ts';
import type { RunbookClient, StartedRun } from './runs.ts';

/** Starts it; prints the id alone with --detach, else follows to the end. */
export function startAndFollow(context: Context): Start {
  return async (runbook, input, options, command) => {
    if (options.id !== undefined) checkChosenId(options.id);
    await context.withRuns(command, async (runs) => {
      const run = await runs.startRun(runbook, input, { id: options.id });
      if (options.detach) {
        if (run.attached) context.note('This run was started before: nothing new was started.');
        if (options.json) context.print(JSON.stringify(run));
        else context.print(run.id);
        return;
      }
      await follow(context, runs, run, options.json === true);
    });
  };
}

/** Follows until the run ends, or until Ctrl-C; sets the exit code. */
export async function follow(
  context: Context,
  runs: RunbookClient,
  run: StartedRun,
  json: boolean,
): Promise<void> {
  const { followRun } = await import('./follow.ts');
  const leave = new AbortController();
  const onSignal = () => leave.abort();
  process.on('SIGINT', onSignal);
  try {
    const { stdout, env } = context;
    context.exitCode = await followRun(runs, run, { stdout, env, json, signal: leave.signal });
  } finally {
    process.off('SIGINT', onSignal);
  }
}
