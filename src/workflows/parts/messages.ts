/** Telling people. A message that cannot be delivered is noted and never fails the run. */
import { CancellationScope, workflowInfo } from '@temporalio/workflow';
import type { System } from '../../inventory/schema/system.ts';
import type { Message } from '../../activities/channels/contract.ts';
import { noDeeds, stepActivities } from './activities.ts';
import { viewFailure } from './failures.ts';
import type { RunState } from './state.ts';

export interface Announcement {
  /** Distinguishes this message from the run's others; the same on every attempt. */
  key: string;
  severity: Message['severity'];
  title: string;
  text: string;
  recipients?: string[];
}

/** @returns the channels that took it. */
export async function tell(
  state: RunState,
  system: System,
  channelNames: string[],
  announcement: Announcement,
): Promise<string[]> {
  const channels = channelNames.flatMap((name) => {
    const spec = system.people.channels[name];
    return spec ? [{ name, spec }] : [];
  });
  if (channels.length === 0 || state.facts.dryRun) return [];
  const { workflowId, runId } = workflowInfo();
  const key = `${workflowId}/${runId}/${announcement.key}`;
  const message: Message = {
    key,
    system: system.name,
    runbook: state.facts.runbook,
    workflowId,
    severity: announcement.severity,
    title: announcement.title,
    text: announcement.text,
    recipients: announcement.recipients ?? [],
  };
  // Said even while the run is being cancelled: people must hear of an abort.
  return CancellationScope.nonCancellable(async () => {
    try {
      const call = { plan: false, fence: null, key };
      const deliveries = await stepActivities(announcement.title, call, noDeeds()).sendMessage({
        channels,
        message,
      });
      for (const failed of deliveries.filter((delivery) => !delivery.delivered)) {
        state.log('failure', `Not delivered to ${failed.channel}: ${failed.error ?? 'no reason given'}`);
      }
      return deliveries.filter((delivery) => delivery.delivered).map((delivery) => delivery.channel);
    } catch (error) {
      state.log('failure', `"${announcement.title}" reached nobody: ${viewFailure(error).message}`);
      return [];
    }
  });
}
