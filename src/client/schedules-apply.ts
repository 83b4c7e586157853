/** Reads and changes the schedules of a Temporal namespace. */
import type { Client, ScheduleOptionsStartWorkflowAction, ScheduleUpdateOptions } from '@temporalio/client';
import {
  defineSearchAttributeKey,
  SearchAttributeType,
  TypedSearchAttributes,
  type Workflow,
} from '@temporalio/common';
import { searchAttributes } from '../workflows/contract.ts';
import {
  type ExistingSchedule,
  mark,
  type ScheduleChange,
  type ScheduleFacts,
  type WantedSchedule,
} from './schedules.ts';

/** Every schedule whose id could be one of ours, and whether it is. */
export async function existingSchedules(
  client: Client,
): Promise<(ExistingSchedule & { next: Date | undefined })[]> {
  const found: (ExistingSchedule & { next: Date | undefined })[] = [];
  for await (const summary of client.schedule.list()) {
    if (!summary.scheduleId.startsWith('runbook/')) continue;
    const ours = summary.memo?.['ownedBy'] === mark;
    const description = ours ? await client.schedule.getHandle(summary.scheduleId).describe() : undefined;
    found.push({
      id: summary.scheduleId,
      ours,
      facts: description?.action.memo?.['schedule'] as ScheduleFacts | undefined,
      paused: description?.state.paused ?? summary.state.paused,
      next: summary.info.nextActionTimes[0],
    });
  }
  return found;
}

/** Carries out one change. Safe to repeat: what is there already, or gone already, is what was wanted. */
export async function applyChange(client: Client, change: ScheduleChange): Promise<void> {
  if (change.kind === 'create') {
    try {
      await client.schedule.create({
        scheduleId: change.id,
        memo: { ownedBy: mark },
        ...body(change.wanted),
        state: { paused: change.wanted.facts.paused },
      });
    } catch (error) {
      if ((error as Error).name !== 'ScheduleAlreadyRunning') throw error;
      throw new Error(`${change.id} was made by somebody else just now. Run it again to compare.`, {
        cause: error,
      });
    }
  } else if (change.kind === 'update') {
    await client.schedule
      .getHandle(change.id)
      .update((previous): ScheduleUpdateOptions<ScheduleOptionsStartWorkflowAction<Workflow>> => ({
        ...body(change.wanted),
        state: {
          ...(previous.state.note === undefined ? {} : { note: previous.state.note }),
          paused: change.paused,
        },
      }));
  } else if (change.kind === 'delete') {
    try {
      await client.schedule.getHandle(change.id).delete();
    } catch (error) {
      if ((error as Error).name !== 'ScheduleNotFoundError') throw error;
    }
  }
}

function body({ system, name, facts }: WantedSchedule) {
  const keyword = (attribute: string) => defineSearchAttributeKey(attribute, SearchAttributeType.KEYWORD);
  return {
    spec: { cronExpressions: [facts.cron], timezone: facts.timeZone },
    // The next start waits for nobody: while a run goes on, its own next one is left out.
    policies: { overlap: 'SKIP' as const, catchupWindow: facts.catchUpMs },
    action: {
      type: 'startWorkflow' as const,
      workflowType: facts.workflowType,
      // Temporal appends the time of the start.
      workflowId: `${facts.runbook}/${system}/${name}`,
      taskQueue: facts.taskQueue,
      args: [facts.input],
      memo: { schedule: facts },
      staticSummary: `${facts.runbook}: ${system}, on schedule ${name}`,
      typedSearchAttributes: new TypedSearchAttributes([
        { key: keyword(searchAttributes.system), value: system },
        { key: keyword(searchAttributes.name), value: facts.runbook },
        { key: keyword(searchAttributes.phase), value: 'starting' },
      ]),
    },
  };
}
