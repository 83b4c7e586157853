/** The way back: what was done is undone in reverse order. An undo that fails is shown and told; the others still run. */
import { workflowInfo } from '@temporalio/workflow';
import type { StepView } from '../contract.ts';
import { noDeeds, stepActivities } from './activities.ts';
import { isoNow } from './clock.ts';
import type { RunCore } from './core.ts';
import { isRunFailure, viewFailure } from './failures.ts';
import { close, shown } from './step.ts';

/** @returns what could not be undone, one sentence each. */
export async function undoAll(core: RunCore): Promise<string[]> {
  const left: string[] = [];
  const { state } = core;
  const { workflowId, runId } = workflowInfo();
  while (core.undos.length > 0) {
    const undo = core.undos.pop();
    if (!undo) break;
    const view: StepView = {
      id: `${state.steps.length + 1}`,
      title: `Undo: ${undo.title}`,
      state: 'running',
      startedAt: isoNow(),
      children: [],
    };
    state.steps.push(view);
    state.headline = view.title;
    state.refresh();
    const deeds = noDeeds();
    try {
      await undo.act(
        stepActivities(
          view.title,
          { plan: false, fence: core.fence, key: `${workflowId}/${runId}/undo-${undo.step}` },
          deeds,
        ),
      );
      if (deeds.commands.length > 0) view.commands = shown(deeds.commands);
      close(core, view, 'undone');
      state.log('undo', `Undone: ${undo.title}`, { step: undo.step });
    } catch (error) {
      if (!isRunFailure(error)) throw error;
      view.failure = viewFailure(error);
      close(core, view, 'failed');
      state.log('failure', `Could not undo "${undo.title}": ${view.failure.message}`, { step: undo.step });
      left.push(`"${undo.title}" (${view.failure.message.split('\n', 1)[0]})`);
    }
  }
  return left;
}
