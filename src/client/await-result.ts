/** Waits for the answer of a short run, without waiting for ever for a worker. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunReport } from '../workflows/contract.ts';
import { CliError } from './errors.ts';
import { exitCodes } from './exit-codes.ts';
import { Observer } from './observe.ts';
import type { RunbookClient } from './runs.ts';

/** The report; or a `CliError` with exit code `noWorker` once nobody has answered for `patienceMs`. */
export async function awaitResult<Output>(
  runs: RunbookClient,
  id: string,
  patienceMs = 10_000,
): Promise<RunReport<Output>> {
  const observer = new Observer(runs, id);
  for (;;) {
    const { status, trouble } = await observer.look();
    if (status !== 'RUNNING') return await runs.result<Output>(id);
    if (trouble && Date.now() - trouble.since > patienceMs) {
      throw new CliError(
        trouble.kind === 'unreachable' ? exitCodes.unreachable : exitCodes.noWorker,
        `No answer for ${patienceMs / 1000} s: ${trouble.detail}`,
        `Is \`runbook worker\` running? Come back later: runbook watch ${id}`,
      );
    }
    await sleep(200);
  }
}
