/** A run's timeline from its history alone, for when no worker answers. */
import { defaultPayloadConverter } from '@temporalio/common';
import type { temporal } from '@temporalio/proto';
import type { TimelineEntry } from '../workflows/contract.ts';

type Event = temporal.api.history.v1.IHistoryEvent;
type Payload = temporal.api.common.v1.IPayload | null | undefined;

/** The run's own timeline where it left one at its end; else what the events say. */
export function timelineFromHistory(events: readonly Event[]): TimelineEntry[] {
  return leftBehind(events) ?? reconstructed(events);
}

/** A report, and the details of a failed run, hold the whole timeline. */
function leftBehind(events: readonly Event[]): TimelineEntry[] | undefined {
  const last = events.at(-1);
  const payload =
    last?.workflowExecutionCompletedEventAttributes?.result?.payloads?.[0] ??
    last?.workflowExecutionFailedEventAttributes?.failure?.applicationFailureInfo?.details?.payloads?.[0];
  const { timeline } = (decode(payload) ?? {}) as { timeline?: unknown };
  return Array.isArray(timeline) ? (timeline as TimelineEntry[]) : undefined;
}

function reconstructed(events: readonly Event[]): TimelineEntry[] {
  const titles = new Map<string, string>();
  const entries: TimelineEntry[] = [];
  for (const event of events) {
    const add = (kind: TimelineEntry['kind'], text: string, by?: string) => {
      entries.push({ at: timeOf(event), kind, text, ...(by === undefined ? {} : { by }) });
    };
    const started = event.workflowExecutionStartedEventAttributes;
    if (started) {
      const input = (decode(started.input?.payloads?.[0]) ?? {}) as Record<string, unknown>;
      const word = (value: unknown) => (typeof value === 'string' ? value : undefined);
      const system = word(input['system']) ?? 'a system that is not named';
      add('run', `${started.workflowType?.name ?? ''} of ${system} started`, word(input['requestedBy']));
    }
    const scheduled = event.activityTaskScheduledEventAttributes;
    if (scheduled) {
      const type = scheduled.activityType?.name ?? '';
      const summary = decode(event.userMetadata?.summary);
      titles.set(
        String(event.eventId),
        typeof summary === 'string' && summary !== '' ? `${summary} (${type})` : type,
      );
      add('step', `${titles.get(String(event.eventId)) ?? type}: scheduled`);
    }
    const completed = event.activityTaskCompletedEventAttributes;
    if (completed) add('step', `${titles.get(String(completed.scheduledEventId)) ?? 'activity'}: done`);
    const failed = event.activityTaskFailedEventAttributes;
    if (failed)
      add(
        'failure',
        `${titles.get(String(failed.scheduledEventId)) ?? 'activity'}: ${innermost(failed.failure)}`,
      );
    const timedOut = event.activityTaskTimedOutEventAttributes;
    if (timedOut)
      add(
        'failure',
        `${titles.get(String(timedOut.scheduledEventId)) ?? 'activity'}: ${innermost(timedOut.failure)}`,
      );
    const update = event.workflowExecutionUpdateAcceptedEventAttributes?.acceptedRequest;
    if (update) add('person', ...said(update.input?.name, update.input?.args?.payloads?.[0]));
    const signal = event.workflowExecutionSignaledEventAttributes;
    if (signal) add('person', ...said(signal.signalName, signal.input?.payloads?.[0]));
    const task = event.workflowTaskFailedEventAttributes;
    if (task) add('failure', `The worker failed at the run's own code: ${innermost(task.failure)}`);
    addEnd(event, add);
  }
  return entries;
}

function addEnd(event: Event, add: (kind: TimelineEntry['kind'], text: string, by?: string) => void): void {
  if (event.workflowExecutionCompletedEventAttributes) add('run', 'completed');
  const failed = event.workflowExecutionFailedEventAttributes;
  if (failed) add('run', `failed: ${innermost(failed.failure)}`);
  const ended = event.workflowExecutionTerminatedEventAttributes;
  if (ended) add('run', `terminated: ${ended.reason ?? ''}`, ended.identity ?? undefined);
  const cancel = event.workflowExecutionCancelRequestedEventAttributes;
  if (cancel)
    add(
      'person',
      `cancellation requested${cancel.cause ? `: ${cancel.cause}` : ''}`,
      cancel.identity ?? undefined,
    );
  if (event.workflowExecutionCanceledEventAttributes) add('run', 'cancelled');
  if (event.workflowExecutionTimedOutEventAttributes) add('run', 'timed out');
}

function said(name: string | null | undefined, payload: Payload): [text: string, by?: string] {
  const { by, ...rest } = (decode(payload) ?? {}) as Record<string, unknown>;
  const details = Object.entries(rest).map(
    ([key, value]) => `${key} ${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  const text = [name ?? '', ...details].join(', ');
  return typeof by === 'string' ? [text, by] : [text];
}

function innermost(failure: temporal.api.failure.v1.IFailure | null | undefined): string {
  let current = failure;
  while (current?.cause) current = current.cause;
  return current?.message ?? 'failed';
}

function timeOf(event: Event): string {
  const { seconds, nanos } = event.eventTime ?? {};
  return new Date(Number(seconds ?? 0) * 1000 + Math.floor((nanos ?? 0) / 1e6)).toISOString();
}

function decode(payload: Payload): unknown {
  if (!payload) return undefined;
  try {
    return defaultPayloadConverter.fromPayload(payload);
  } catch {
    return undefined;
  }
}
