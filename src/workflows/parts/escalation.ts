/** Paging level after level until somebody acknowledges or the reason is gone. */
import { CancellationScope, condition } from '@temporalio/workflow';
import { milliseconds } from '../../inventory/duration.ts';
import type { System } from '../../inventory/schema/system.ts';
import { isoNow, now } from './clock.ts';
import { tell } from './messages.ts';
import type { RunState } from './state.ts';

export interface Escalation {
  acknowledge(by: string): void;
  acknowledged(): boolean;
  resolve(): void;
}

/**
 * Starts paging in the background. Levels up to `fromLevel` (1-based) are paged at once, later ones at their `after`.
 */
export function startEscalation(
  state: RunState,
  system: System,
  reason: string,
  options: { number: number; fromLevel?: number },
): Escalation {
  const began = now();
  let acknowledged = false;
  let resolved = false;
  const over = () => acknowledged || resolved;
  const fromLevel = options.fromLevel ?? 1;
  state.escalation = { reason, level: 0, since: isoNow() };
  const view = state.escalation;
  state.severe('critical');
  state.log('escalation', `Escalating: ${firstLine(reason)}`);

  async function page(): Promise<void> {
    for (const [index, level] of system.people.escalation.entries()) {
      const due = index < fromLevel ? began : began + milliseconds(level.after);
      if (due > now()) await condition(over, due - now());
      if (over()) return;
      view.level = index + 1;
      const took = await tell(state, system, level.channels, {
        key: `page-${options.number}-${index + 1}`,
        severity: 'critical',
        title: `${state.facts.title} of ${system.name} needs a person (level ${index + 1})`,
        text: `${reason}\nAcknowledge: runbook acknowledge ${state.view().workflowId}`,
        recipients: level.responders,
      });
      state.log(
        'page',
        `Level ${index + 1}: ${level.responders.join(', ')} by ${took.join(', ') || 'nobody (not delivered)'}`,
      );
      state.refresh();
    }
    if (system.people.escalation.length === 0) {
      state.log('page', 'Nobody to page: the inventory declares no escalation');
    }
  }
  // Paging outlives the cancellation of what it is about; it ends by acknowledgement or resolution.
  void CancellationScope.nonCancellable(page);

  return {
    acknowledged: () => acknowledged,
    acknowledge(by) {
      if (over()) return;
      acknowledged = true;
      view.acknowledgedBy = by;
      state.log('person', `Acknowledged by ${by}: paging stops`, { by });
      state.refresh();
    },
    resolve() {
      if (resolved) return;
      resolved = true;
      if (state.escalation === view) state.escalation = undefined;
      state.severe('info');
      state.log('escalation', 'No longer needed: paging stops');
    },
  };
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}
