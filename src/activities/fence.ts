/**
 * Fencing: an aborted, terminated or superseded run must not act any more, even from a worker that was cut off and comes
 * back. Before it acts, a mutating activity asks Temporal whether the lock its run took is still open and still that run's.
 */
import { Context } from '@temporalio/activity';
import { WorkflowNotFoundError } from '@temporalio/common';
import type { Call } from './call.ts';
import { failure } from './failures.ts';

export async function assertFence(call: Call): Promise<void> {
  if (!call.fence) return;
  const { workflowId, runId } = call.fence;
  const state = await stateOf(workflowId, runId);
  if (state === 'RUNNING') return;
  throw failure('Fenced', {
    what: `This run no longer holds ${workflowId} (${state.toLowerCase()}): nothing was done.`,
    hint: 'Look at the run that holds the system now with `runbook status`.',
    retryable: false,
  });
}

/** A lock that Temporal knows nothing of (deleted, or its database was put back to an earlier time) is nobody's. */
async function stateOf(workflowId: string, runId: string): Promise<string> {
  try {
    return (await Context.current().client.workflow.getHandle(workflowId, runId).describe()).status.name;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return 'NOT FOUND';
    throw error;
  }
}
