/** The helper every runbook is made with: the door, the lock, the steps, the way back, the report. */
import type { ApplicationFailure } from '@temporalio/common';
import { CancellationScope, continueAsNew, workflowInfo } from '@temporalio/workflow';
import { z } from 'zod';
import type { Phase, RunReport, StepView } from '../contract.ts';
import { noDeeds, stepActivities } from './activities.ts';
import { isoNow, now } from './clock.ts';
import type { FailurePolicy, RunCore } from './core.ts';
import { openDesk, type Desk } from './desk.ts';
import { isCancellation, isRunFailure, refusal, stopIfAborted, viewFailure } from './failures.ts';
import { commonInput, parseInput } from './input.ts';
import { tell } from './messages.ts';
import { takeLock, type HeldLock } from './lock.ts';
import { Run } from './run.ts';
import { RunState } from './state.ts';
import { undoAll } from './undo.ts';

export interface RunbookDescription {
  /** As people type it: `full-backup`. */
  name: string;
  /** As Temporal knows it: `fullBackup`. */
  workflowType: string;
  title: string;
  /** What it does, in a sentence or two. */
  summary: string;
  /** Procedures it carries, by their ids in the coverage table. */
  covers: string[];
  /** It changes something: it can be planned, and it is locked unless `exclusive` is false. */
  mutates: boolean;
  exclusive: boolean;
  onFailure: FailurePolicy;
  input: z.ZodObject;
  examples: string[];
}

interface Definition<Shape extends z.core.$ZodLooseShape, Output> {
  name: string;
  title: string;
  summary: string;
  covers?: string[];
  mutates?: boolean;
  exclusive?: boolean;
  onFailure?: FailurePolicy;
  /** Paged at once when a step parks; 1 unless declared. */
  failureLevel?: number;
  /** Its own input fields; the common ones are added. */
  input: Shape;
  examples?: string[];
  steps(run: Run, input: z.infer<z.ZodObject<Shape>>): Promise<Output>;
}

/** A runbook: a workflow that anyone may start with one JSON object. */
export interface Runbook<Output = unknown> {
  (...args: unknown[]): Promise<RunReport<Output>>;
  definition: RunbookDescription;
}

export function runbook<Shape extends z.core.$ZodLooseShape, Output>(
  definition: Definition<Shape, Output>,
): Runbook<Output> {
  const schema = z.strictObject({ ...commonInput, ...definition.input });
  const mutates = definition.mutates ?? true;
  const description: RunbookDescription = {
    name: definition.name,
    workflowType: definition.name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase()),
    title: definition.title,
    summary: definition.summary,
    covers: definition.covers ?? [],
    mutates,
    exclusive: definition.exclusive ?? mutates,
    onFailure: definition.onFailure ?? 'park',
    input: schema,
    examples: definition.examples ?? [],
  };

  async function workflow(...args: unknown[]): Promise<RunReport<Output>> {
    const input = parseInput<Record<string, unknown>>(description.name, schema, args);
    const common = input as {
      system: string;
      requestedBy: string;
      dryRun: boolean;
      whenBusy: 'refuse' | 'queue';
    };
    const state = new RunState({
      runbook: description.name,
      title: description.title,
      system: common.system,
      requestedBy: common.requestedBy,
      dryRun: common.dryRun,
    });
    const scope = new CancellationScope();
    const desk: Desk = {
      state,
      core: undefined,
      tooLate: undefined,
      aborted: undefined,
      stop: () => scope.cancel(),
    };
    openDesk(desk);
    let lock: HeldLock | undefined;
    let lostLock = false;
    try {
      const output = await scope.run(async () => {
        const { system } = await stepActivities(
          'Read the inventory',
          { plan: true, fence: null, key: '' },
          noDeeds(),
        ).loadSystem({ system: common.system });
        const core: RunCore = {
          state,
          system,
          onFailure: description.onFailure,
          failureLevel: definition.failureLevel ?? 1,
          undos: [],
          parked: new Map(),
          fence: null,
          approval: undefined,
          notice: undefined,
          escalation: undefined,
          messages: 0,
        };
        desk.core = core;
        stopIfAborted();
        if (description.exclusive && !common.dryRun) {
          const startOver = () => continueAsNew<typeof workflow>(...args);
          lock = await takeLock(state, common.whenBusy, startOver, () => {
            lostLock = true;
            scope.cancel();
          });
          core.fence = lock.fence;
        }
        state.enter('running', 'Running');
        const answer = await definition.steps(new Run(core), input as z.infer<z.ZodObject<Shape>>);
        // Whoever was told that the run is aborted must not find it completed.
        if (desk.aborted) stopIfAborted();
        desk.tooLate = 'all its steps are done';
        return answer;
      });
      await release(lock);
      end(state, 'completed', `${description.title} of ${common.system} is complete`);
      return await report(state, output);
    } catch (error) {
      // Not a failure of the run but a mistake in code: the task is retried, and a mended worker goes on from here.
      if (!isRunFailure(error) && !isCancellation(error)) throw error;
      await CancellationScope.nonCancellable(() => wayBack(desk, error, lostLock, lock));
      throw failed(desk, error, lostLock);
    }
  }
  // The name a stack trace and the bundle show.
  Object.defineProperty(workflow, 'name', { value: description.workflowType });
  return Object.assign(workflow, { definition: description });
}

async function wayBack(
  desk: Desk,
  error: unknown,
  lostLock: boolean,
  lock: HeldLock | undefined,
): Promise<void> {
  const { state, core } = desk;
  core?.escalation?.resolve();
  const aborted = desk.aborted !== undefined || isCancellation(error);
  desk.tooLate = aborted ? 'it is being aborted already' : 'it has failed, and is ending already';
  const began = state.steps.length > 0;
  // Read before the way back adds steps of its own.
  const why = headlineOf(desk, error, lostLock);
  let left: string[] = [];
  // Who lost the lock must not act any more, not even to undo.
  if (core && core.undos.length > 0 && !lostLock) {
    state.enter('compensating', 'Undoing what was done');
    left = await undoAll(core);
  }
  // Nothing acts from here on, so nobody need wait until everybody was told.
  await release(lock);
  const phase: Phase = aborted || lostLock ? 'aborted' : 'failed';
  const headline = left.length > 0 ? `${why}\nNot undone, and to be looked at: ${left.join('; ')}` : why;
  // A run that was refused before its first step, or that somebody said no to, is no emergency. What stays half done is.
  const failedInWork = phase === 'failed' && began && viewFailure(error).type !== 'Rejected';
  if (core && !state.facts.dryRun && (failedInWork || left.length > 0)) await page(core, headline);
  if (core) {
    await new Run(core).tell({
      key: 'ended',
      severity: 'critical',
      title: `${state.facts.title} of ${core.system.name}: ${phase}`,
      text: headline,
    });
  }
  end(state, phase, headline);
}

async function page(core: RunCore, headline: string): Promise<void> {
  const { state, system } = core;
  for (const [index, level] of system.people.escalation.slice(0, core.failureLevel).entries()) {
    const took = await tell(state, system, level.channels, {
      key: `failed-${index + 1}`,
      severity: 'critical',
      title: `${state.facts.title} of ${system.name} failed`,
      text: headline,
      recipients: level.responders,
    });
    state.log(
      'page',
      `Level ${index + 1}: ${level.responders.join(', ')} by ${took.join(', ') || 'nobody (not delivered)'}`,
    );
  }
}

async function release(lock: HeldLock | undefined): Promise<void> {
  await CancellationScope.nonCancellable(async () => lock?.release());
}

function end(state: RunState, phase: Phase, headline: string): void {
  state.endedAt = isoNow();
  state.log('run', headline);
  state.enter(phase, headline);
}

function headlineOf(desk: Desk, error: unknown, lostLock: boolean): string {
  if (lostLock)
    return `Stopped: the lock of ${desk.state.facts.system} was ended from outside. Nothing more is done.`;
  if (desk.aborted) return `Aborted by ${desk.aborted.by}: ${desk.aborted.reason}`;
  if (isCancellation(error)) return 'Cancelled from outside';
  const step = lastFailed(desk.state.steps);
  const { message } = viewFailure(error);
  return step ? `Step ${step.id} "${step.title}" failed: ${message}` : message;
}

function lastFailed(steps: StepView[]): StepView | undefined {
  for (const step of [...steps].reverse()) {
    const inner = lastFailed(step.children);
    if (inner) return inner;
    if (step.state === 'failed') return step;
  }
  return undefined;
}

function failed(desk: Desk, error: unknown, lostLock: boolean): ApplicationFailure {
  const { state } = desk;
  const type = lostLock
    ? 'Fenced'
    : desk.aborted || isCancellation(error)
      ? 'Aborted'
      : viewFailure(error).type;
  return refusal(type, state.headline, {
    runbook: state.facts.runbook,
    system: state.facts.system,
    workflowId: workflowInfo().workflowId,
    steps: state.steps,
    timeline: state.timeline,
  });
}

async function report<Output>(state: RunState, output: Output): Promise<RunReport<Output>> {
  const { facts, startedAt, steps, timeline } = state;
  const skipped = JSON.stringify(steps).includes('"state":"skipped"');
  const whole: RunReport<Output> = {
    runbook: facts.runbook,
    system: facts.system,
    workflowId: workflowInfo().workflowId,
    outcome: facts.dryRun ? 'planned' : skipped ? 'completed-with-skips' : 'completed',
    startedAt,
    endedAt: isoNow(),
    tookMs: now() - Date.parse(startedAt),
    output,
    steps,
    timeline,
  };
  if (!facts.dryRun) return whole;
  const commands = flatten(steps);
  const lines = commands.map((line) => `${line.step}: ${line.command}`);
  const digest = await stepActivities(
    'Digest of the plan',
    { plan: true, fence: null, key: '' },
    noDeeds(),
  ).digest({ lines });
  return { ...whole, plan: { commands, digest } };
}

function flatten(steps: StepView[]): { step: string; command: string }[] {
  return steps.flatMap((step) => [
    ...(step.commands ?? []).map((command) => ({ step: `${step.id} ${step.title}`, command })),
    ...flatten(step.children),
  ]);
}
