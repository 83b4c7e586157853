/**
 * Fencing: an aborted, terminated or superseded run must not act any more, even from a worker that was cut off and comes
 * back. Before it acts, a mutating activity asks Temporal whether the lock its run took is still open and still that run's.
 */
import { Context } from '@temporalio/activity';
import type { Call } from './call.ts';
import { failure } from './failures.ts';

export async function assertFence(call: Call): Promise<void> {
  if (!call.fence) return;
  const { workflowId, runId } = call.fence;
  const described = await Context.current().client.workflow.getHandle(workflowId, runId).describe();
  if (described.status.name === 'RUNNING') return;
  throw failure('Fenced', {
    what: `This run no longer holds ${workflowId} (${described.status.name.toLowerCase()}): nothing was done.`,
    hint: 'Look at the run that holds the system now with `runbook status`.',
    retryable: false,
  });
}
