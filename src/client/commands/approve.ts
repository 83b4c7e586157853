/** `runbook approve`: says yes to exactly the plan that waits. */
import type { Command } from 'commander';
import { usageError } from '../errors.ts';
import type { Context, Register } from '../context.ts';
import type { RunbookClient } from '../runs.ts';
import { addSteering, steer } from '../steering.ts';
import { oneLine } from '../text.ts';

interface Options {
  system?: string;
  digest?: string;
  note?: string;
  json?: boolean;
}

export const register: Register = (program, context) => {
  addSteering(
    program.command('approve').description('approve what waits for approval; shows the plan it approves'),
  )
    .option('--digest <digest>', 'the plan you saw (its first letters): another plan is not approved')
    .option('--note <text>', 'for the record')
    .action(async (typed: string | undefined, options: Options, command: Command) => {
      await steer(context, command, { typed, system: options.system }, 'approve', async (runs, id) => ({
        ...(await plan(context, runs, id, options)),
        ...(options.note === undefined ? {} : { note: options.note }),
      }));
    });
};

/** Prints the plan that is being approved, and binds the approval to its whole digest. */
async function plan(
  context: Context,
  runs: RunbookClient,
  id: string,
  { digest: seen, json }: Options,
): Promise<{ digest?: string }> {
  if (seen !== undefined && !/^[0-9a-f]{6,64}$/.test(seen)) {
    throw usageError('--digest takes at least the first 6 letters of the digest.');
  }
  const { approval } = await runs.progress(id);
  if (!approval) return seen === undefined ? {} : { digest: seen };
  if (seen !== undefined && !approval.digest.startsWith(seen)) {
    throw usageError(
      `The plan has changed since you saw it: ${seen} was meant, ${approval.digest.slice(0, 12)} waits now.`,
      `Look again: runbook status ${id}`,
    );
  }
  const shown = [
    `Approving: ${oneLine(approval.title)}`,
    ...approval.plan.map((command) => `  ${oneLine(command)}`),
  ];
  // With --json the answer alone is the output.
  if (json) context.note(shown.join('\n'));
  else context.print(shown);
  return { digest: approval.digest };
}
