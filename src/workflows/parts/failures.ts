/** Failures inside workflows: how they are raised so that they end the run, and how a nested one is read. */
import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  ChildWorkflowFailure,
  TemporalFailure,
  TimeoutFailure,
  TimeoutType,
} from '@temporalio/common';
import { CancellationScope, isCancellation } from '@temporalio/workflow';
import type { FailureView } from '../contract.ts';

/** Ends the run (or refuses the update) at once: nothing is retried. */
export function refusal(type: string, message: string, details?: unknown): ApplicationFailure {
  return ApplicationFailure.create({
    type,
    message,
    nonRetryable: true,
    ...(details === undefined ? {} : { details: [details] }),
  });
}

/** The innermost failure that says something: an activity's own words rather than "Activity task failed". */
export function viewFailure(error: unknown): FailureView {
  let current = error;
  for (let depth = 0; depth < 8; depth += 1) {
    if (current instanceof ApplicationFailure) {
      return { type: current.type ?? 'Failure', message: current.message };
    }
    if (current instanceof TimeoutFailure) return { type: 'Timeout', message: timeoutMessage(current) };
    if (current instanceof CancelledFailure) return { type: 'Cancelled', message: 'cancelled' };
    if ((current instanceof ActivityFailure || current instanceof ChildWorkflowFailure) && current.cause) {
      current = current.cause;
      continue;
    }
    break;
  }
  if (current instanceof Error) return { type: current.name, message: current.message };
  return { type: 'Failure', message: String(current) };
}

function timeoutMessage(failure: TimeoutFailure): string {
  switch (failure.timeoutType) {
    case TimeoutType.HEARTBEAT:
      return 'The worker that ran this step stopped answering (killed, asleep or cut off), and no attempt is left.';
    case TimeoutType.SCHEDULE_TO_START:
      return 'No worker took this step in time. Is a worker running?';
    default:
      return `This step did not end in time (${failure.message}).`;
  }
}

export { isCancellation };

/** Whether the steps are cancelled: by an abort, by Temporal's own cancellation, or because the lock was lost. */
export function isAborted(): boolean {
  return CancellationScope.current().consideredCancelled;
}

/** After an abort nothing more is begun, also where the next thing would not notice by itself. */
export function stopIfAborted(): void {
  if (isAborted()) throw new CancelledFailure('the run is being aborted');
}

/** Failures of Temporal's own kinds are a run's business; anything else is a mistake in our code and must not be hidden. */
export function isRunFailure(error: unknown): error is TemporalFailure {
  return error instanceof TemporalFailure;
}
