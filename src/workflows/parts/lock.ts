/**
 * One runbook at a time changes a system. The lock is a child workflow whose id is the system's: Temporal's own uniqueness of
 * open workflow ids is the lock, and with the parent-close policy it frees itself however its holder ends.
 */
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  CancellationScope,
  condition,
  defineSignal,
  ParentClosePolicy,
  setHandler,
  sleep,
  startChild,
  workflowInfo,
  type ChildWorkflowHandle,
} from '@temporalio/workflow';
import type { Fence } from '../../activities/call.ts';
import { isoNow } from './clock.ts';
import { refusal } from './failures.ts';
import { noDeeds, stepActivities } from './activities.ts';
import type { RunState } from './state.ts';

const releaseSignal = defineSignal('release');

/** The lock itself: open as long as its holder is, or until the holder lets go. */
export async function lock(): Promise<void> {
  let released = false;
  setHandler(releaseSignal, () => {
    released = true;
  });
  await condition(() => released);
}

export interface HeldLock {
  fence: Fence;
  release(): Promise<void>;
}

const queueStep = { first: 2000, longest: 30_000 };
/** Events after which a run that waits begins again with a new history: Temporal ends a run at 51 200, after a day of waiting. */
const longestWait = 8000;

/**
 * Takes the system's lock, or throws `SystemBusy` naming the holder; with `queue` waits for its turn.
 * @param startOver begins the run again, with its input and an empty history.
 * @param onLost called when the lock is ended by somebody else: the run must stop acting.
 */
export async function takeLock(
  state: RunState,
  whenBusy: 'refuse' | 'queue',
  startOver: () => Promise<never>,
  onLost: () => void,
): Promise<HeldLock> {
  const { system, runbook, requestedBy } = state.facts;
  const workflowId = `lock/${system}`;
  for (let wait = queueStep.first; ; wait = Math.min(wait * 2, queueStep.longest)) {
    try {
      // An abort cancels the run's steps, never its lock: undoing still needs it.
      const child = await CancellationScope.nonCancellable(() =>
        startChild(lock, {
          workflowId,
          parentClosePolicy: ParentClosePolicy.TERMINATE,
          memo: { runbook, holder: workflowInfo().workflowId, by: requestedBy, since: isoNow() },
          staticSummary: `${runbook} holds ${system}`,
        }),
      );
      return held(child, workflowId, onLost);
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      const holder = await holderOf(workflowId);
      // Free again between the refusal and the look: our turn, even when we were not to queue.
      if (holder === null) {
        await sleep(200);
        continue;
      }
      const text = `${system} is held by ${holder.runbook} (${holder.holder}), started by ${holder.by} at ${holder.since}`;
      if (whenBusy === 'refuse') {
        throw refusal(
          'SystemBusy',
          `${text}. Nothing was done.\nNext: watch it with \`runbook watch ${holder.holder}\`, or wait for your turn with --when-busy queue.`,
          holder,
        );
      }
      state.enter('starting', `Waiting for its turn: ${text}`);
      await sleep(wait);
      if (workflowInfo().historyLength > longestWait) await startOver();
    }
  }
}

function held(child: ChildWorkflowHandle<typeof lock>, workflowId: string, onLost: () => void): HeldLock {
  let releasing = false;
  void child.result().then(
    () => {
      if (!releasing) onLost();
    },
    () => {
      if (!releasing) onLost();
    },
  );
  return {
    fence: { workflowId, runId: child.firstExecutionRunId },
    async release() {
      releasing = true;
      try {
        await child.signal(releaseSignal);
        // Freed before the run reports its end: whoever starts next finds the system free.
        await child.result();
      } catch {
        // It was ended already; free is free.
      }
    },
  };
}

async function holderOf(
  workflowId: string,
): Promise<{ runbook: string; holder: string; by: string; since: string } | null> {
  const call = { plan: false, fence: null, key: workflowId };
  return stepActivities('Who holds the system?', call, noDeeds()).lockHolder({ workflowId });
}
