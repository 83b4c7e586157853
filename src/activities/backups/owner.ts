/** Whose a lease, a tombstone or a half-made backup is, and whether that run is still at work. */
import { Context } from '@temporalio/activity';
import { WorkflowNotFoundError } from '@temporalio/common';
import { z } from 'zod';
import { sha256Of } from './place.ts';

export const owner = z.strictObject({ workflowId: z.string(), runId: z.string(), at: z.iso.datetime() });

export type Owner = z.infer<typeof owner>;

/** The run that this activity works for. */
export function thisRun(): Owner {
  const { workflowExecution } = Context.current().info;
  if (!workflowExecution)
    throw new Error('a backup is leased and removed by runbooks only: this activity has no workflow');
  const { workflowId, runId } = workflowExecution;
  return { workflowId, runId, at: new Date().toISOString() };
}

/** A name for the run's lease: ids of workflows may hold anything, so they don't become part of a key. */
export function nameOf({ workflowId, runId }: Owner): string {
  return sha256Of(`${workflowId}\n${runId}`).slice(0, 32);
}

/**
 * Whether that workflow is still running, in this or (continued as new) in a later run. Also true when Temporal cannot be
 * asked: what is in doubt is in use.
 */
export async function isAtWork({ workflowId }: Owner): Promise<boolean> {
  try {
    const { status } = await Context.current().client.workflow.getHandle(workflowId).describe();
    return status.name === 'RUNNING' || status.name === 'PAUSED';
  } catch (error) {
    return !(error instanceof WorkflowNotFoundError);
  }
}

/** More open workflows than this are not looked through: then every owner counts as running. */
const lookThrough = 10_000;

/** The first 8 characters of the run ids of all open workflows; undefined when that cannot be found out. */
export async function openRuns(): Promise<Set<string> | undefined> {
  const runs = new Set<string>();
  try {
    for await (const { runId } of Context.current().client.workflow.list({
      query: "ExecutionStatus = 'Running'",
    })) {
      runs.add(runId.slice(0, 8));
      if (runs.size > lookThrough) return undefined;
    }
    return runs;
  } catch {
    return undefined;
  }
}
