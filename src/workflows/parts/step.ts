/** One step: recorded from start to end, retried by its class, then parked for a person instead of ending the run. */
import { condition, workflowInfo } from '@temporalio/workflow';
import type { StepView } from '../contract.ts';
import { noDeeds, stepActivities, type StepActivities } from './activities.ts';
import { isoNow } from './clock.ts';
import type { ParkedStep, RunCore, Undo } from './core.ts';
import { startEscalation } from './escalation.ts';
import { isAborted, isCancellation, isRunFailure, stopIfAborted, viewFailure } from './failures.ts';

export interface StepOptions<Result> {
  /** Takes the step back if the run fails or is aborted later. Registered before the step acts. */
  undo?: Undo['act'] | undefined;
  /** A short outcome for people. */
  note?: (result: Result) => string;
  /** With it a person may skip the step; the run goes on with this. */
  ifSkipped?: Result;
  /** Dry run: the answer to go on with, for a step that waits for effects a dry run does not have. */
  foreseen?: Result;
}

/** Failures no person can cure by retrying this step. */
const final = new Set(['Fenced', 'Rejected', 'Aborted', 'SystemBusy', 'InvalidInput']);
const commandsShown = 50;
const commandLength = 2000;

export async function performStep<Result>(
  core: RunCore,
  view: StepView,
  act: (activities: StepActivities) => Promise<Result>,
  options: StepOptions<Result>,
): Promise<Result> {
  const { state } = core;
  if (state.facts.dryRun && 'foreseen' in options) {
    close(core, view, 'planned', 'not awaited in a dry run');
    return options.foreseen;
  }
  if (options.undo && !state.facts.dryRun) {
    core.undos.push({ step: view.id, title: view.title, act: options.undo });
  }
  for (;;) {
    const deeds = noDeeds();
    try {
      const result = await act(stepActivities(view.title, callOf(core, view), deeds));
      if (deeds.commands.length > 0) view.commands = shown(deeds.commands);
      const outcome =
        !deeds.mutating || deeds.performed ? 'done' : state.facts.dryRun ? 'planned' : 'already-done';
      delete view.failure;
      close(core, view, outcome, options.note?.(result));
      return result;
    } catch (error) {
      if (deeds.commands.length > 0) view.commands = shown(deeds.commands);
      if (isCancellation(error)) {
        close(core, view, 'cancelled');
        throw error;
      }
      // A mistake in our own code: the task fails and is retried, so that a mended worker carries on from here.
      if (!isRunFailure(error)) throw error;
      view.failure = viewFailure(error);
      state.log('failure', `${view.title}: ${view.failure.message}`, { step: view.id });
      if (core.onFailure !== 'park' || state.facts.dryRun || final.has(view.failure.type) || isAborted()) {
        close(core, view, 'failed');
        stopIfAborted();
        throw error;
      }
      const decision = await parkedUntilDecided(core, view, 'ifSkipped' in options);
      if (decision.kind === 'skip') {
        close(core, view, 'skipped', `skipped by ${decision.by}: ${decision.reason}`);
        return options.ifSkipped as Result;
      }
      view.state = 'running';
      delete view.endedAt;
    }
  }
}

function callOf(core: RunCore, view: StepView): { plan: boolean; fence: RunCore['fence']; key: string } {
  const { workflowId, runId } = workflowInfo();
  return { plan: core.state.facts.dryRun, fence: core.fence, key: `${workflowId}/${runId}/${view.id}` };
}

async function parkedUntilDecided(
  core: RunCore,
  view: StepView,
  skippable: boolean,
): Promise<NonNullable<ParkedStep['decision']>> {
  const { state } = core;
  const parked: ParkedStep = { id: view.id, title: view.title, skippable };
  view.state = 'parked';
  core.parked.set(view.id, parked);
  state.parked.set(view.id, skippable);
  showParked(core, parked);
  // Who acknowledged a failure has not heard of the next one: that is paged anew.
  if (!core.escalation || core.escalation.acknowledged()) {
    core.escalation = startEscalation(
      core.state,
      core.system,
      `Step ${view.id} "${view.title}" of ${state.facts.runbook} on ${core.system.name} failed:\n${view.failure?.message ?? ''}\nAnswer with ${answersTo(parked)}.`,
      { number: (core.messages += 1), fromLevel: core.failureLevel },
    );
  }
  try {
    await condition(() => parked.decision !== undefined);
  } catch (error) {
    // Aborted while parked: what failed stays shown as failed.
    close(core, view, 'failed');
    throw error;
  } finally {
    core.parked.delete(view.id);
    state.parked.delete(view.id);
    if (core.parked.size === 0) {
      core.escalation?.resolve();
      core.escalation = undefined;
    }
  }
  const decision = parked.decision as NonNullable<ParkedStep['decision']>;
  const [other] = core.parked.values();
  if (other) showParked(core, other);
  else state.enter('running', `Going on after ${decision.kind} by ${decision.by}`);
  return decision;
}

function showParked({ state }: RunCore, step: ParkedStep): void {
  state.enter(
    'parked',
    `Step ${step.id} "${step.title}" failed and waits for a person: ${answersTo(step)} (runbook retry ${workflowInfo().workflowId} --step ${step.id})`,
  );
}

function answersTo({ skippable }: ParkedStep): string {
  return `retry${skippable ? ', skip' : ''} or abort`;
}

export function close(core: RunCore, view: StepView, state: StepView['state'], note?: string): void {
  view.state = state;
  view.endedAt = isoNow();
  if (note) view.note = note;
  core.state.log('step', `${view.title}: ${state}${note ? ` (${note})` : ''}`, { step: view.id });
  core.state.refresh();
}

/** As much of the commands as a report can hold. */
export function shown(commands: string[]): string[] {
  const cut = commands
    .slice(0, commandsShown)
    .map((line) => (line.length > commandLength ? `${line.slice(0, commandLength)}…` : line));
  return commands.length > commandsShown ? [...cut, `… and ${commands.length - commandsShown} more`] : cut;
}
