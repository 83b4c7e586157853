/** Approves what a run asks for, as alice. By signal and search attribute: neither needs a worker that is alive. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';

const signalAgainAfterMs = 5_000;

export function answerApprovals(handle: WorkflowHandle): { stop(): void } {
  const end = new AbortController();
  void (async () => {
    let signalledAt = 0;
    while (!end.signal.aborted) {
      try {
        const { searchAttributes, status } = await handle.describe();
        if (status.name !== 'RUNNING') return;
        const waits = phaseOf(searchAttributes) === 'waiting-approval';
        if (waits && performance.now() - signalledAt > signalAgainAfterMs) {
          signalledAt = performance.now();
          await handle.signal('approve', { by: 'alice' });
        }
      } catch {
        // The server may be away for a moment: that is what some tests do to it.
      }
      await sleep(100, undefined, { signal: end.signal }).catch(() => undefined);
    }
  })();
  return {
    stop: () => {
      end.abort();
    },
  };
}

function phaseOf(attributes: unknown): unknown {
  const phase = (attributes as Record<string, unknown>)['RunbookPhase'];
  return Array.isArray(phase) ? (phase as unknown[])[0] : phase;
}
