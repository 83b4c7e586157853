/** Where people and programs talk to a run: the queries, updates and signals of every runbook. */
import { ApplicationFailure } from '@temporalio/common';
import { defineQuery, defineSignal, defineUpdate, setHandler } from '@temporalio/workflow';
import { z } from 'zod';
import {
  queryNames,
  updateNames,
  type Accepted,
  type ProgressView,
  type TimelineEntry,
} from '../contract.ts';
import type { ParkedStep, RunCore } from './core.ts';
import { lengthOfTime, personName, sentence } from './input.ts';
import type { RunState } from './state.ts';

const by = personName;
const stepId = z
  .string()
  .regex(/^\d+(?:\.\d+)*$/, 'a step number such as 3 or 3.1')
  .optional();
const shapes = {
  approve: z.strictObject({ by, digest: z.string().max(64).optional(), note: sentence.optional() }),
  reject: z.strictObject({ by, reason: sentence }),
  abort: z.strictObject({ by, reason: sentence }),
  extendNotice: z.strictObject({ by, for: lengthOfTime }),
  skipNotice: z.strictObject({ by, reason: sentence }),
  retryStep: z.strictObject({ by, step: stepId }),
  skipStep: z.strictObject({ by, reason: sentence, step: stepId }),
  acknowledge: z.strictObject({ by }),
};

export interface Desk {
  state: RunState;
  /** Undefined until the inventory is loaded. */
  core: RunCore | undefined;
  /** Why an abort would come too late; undefined as long as there is something to abort. */
  tooLate: string | undefined;
  /** Set by the first abort; the run looks at it when it ends. */
  aborted: { by: string; reason: string } | undefined;
  /** Cancels the steps. */
  stop(): void;
}

export function openDesk(desk: Desk): void {
  const { state } = desk;
  setHandler(defineQuery<ProgressView>(queryNames.progress), () => state.view(), {
    description: 'The live step tree, what the run waits for, and how to answer.',
  });
  setHandler(defineQuery<TimelineEntry[]>(queryNames.timeline), () => state.timeline, {
    description: 'What happened, in order.',
  });

  answer(
    desk,
    'approve',
    shapes.approve,
    (args) =>
      desk.core?.approval?.objection(args) ?? needs(desk.core?.approval, 'nothing waits for approval'),
    (args) => desk.core?.approval?.approve(args),
  );
  answer(
    desk,
    'reject',
    shapes.reject,
    () => needs(desk.core?.approval, 'nothing waits for approval'),
    (args) => desk.core?.approval?.reject(args),
  );
  answer(
    desk,
    'abort',
    shapes.abort,
    () => desk.tooLate,
    (args) => {
      desk.aborted ??= args;
      state.log('person', `Aborted by ${args.by}: ${args.reason}`, { by: args.by });
      desk.stop();
      return { text: 'Aborting: no further step starts; what can be undone is undone.' };
    },
  );
  answer(
    desk,
    'extendNotice',
    shapes.extendNotice,
    () => needs(desk.core?.notice, 'no notice is running'),
    (args) => desk.core?.notice?.extend(args),
  );
  answer(
    desk,
    'skipNotice',
    shapes.skipNotice,
    () => needs(desk.core?.notice, 'no notice is running'),
    (args) => desk.core?.notice?.skip(args),
  );
  answer(
    desk,
    'retryStep',
    shapes.retryStep,
    (args) => parkedStep(desk, args.step).objection,
    (args) => decide(desk, args.step, { kind: 'retry', by: args.by }),
  );
  answer(
    desk,
    'skipStep',
    shapes.skipStep,
    (args) => {
      const { step, objection } = parkedStep(desk, args.step);
      if (step && !step.skippable)
        return `step ${step.id} cannot be skipped: later steps need what it gives. Retry or abort`;
      return objection;
    },
    (args) => decide(desk, args.step, { kind: 'skip', by: args.by, reason: args.reason }),
  );
  answer(
    desk,
    'acknowledge',
    shapes.acknowledge,
    () => needs(desk.core?.escalation, 'nobody is being paged'),
    (args) => {
      desk.core?.escalation?.acknowledge(args.by);
      return { text: 'Acknowledged: paging stops. What waits for a decision still waits.' };
    },
  );

  // Tools that can only signal get the two answers that matter most; what an update would refuse is noted and ignored.
  setHandler(defineSignal<[unknown]>('approve'), (raw) => {
    const parsed = shapes.approve.safeParse(raw);
    const approval = desk.core?.approval;
    const why = !parsed.success
      ? 'not understood'
      : approval
        ? approval.objection(parsed.data)
        : 'nothing waits for approval';
    if (why) state.log('approval', `An approval by signal was not counted: ${why}`);
    else if (parsed.success) approval?.approve(parsed.data);
  });
  setHandler(defineSignal<[unknown]>('reject'), (raw) => {
    const parsed = shapes.reject.safeParse(raw);
    const approval = desk.core?.approval;
    if (parsed.success && approval) approval.reject(parsed.data);
    else
      state.log(
        'approval',
        `A rejection by signal was ignored: ${approval ? 'not understood' : 'nothing waits for approval'}`,
      );
  });
}

function answer<Args>(
  desk: Desk,
  name: keyof typeof updateNames,
  shape: z.ZodType<Args>,
  objection: (args: Args) => string | undefined,
  handle: (args: Args) => Accepted | undefined,
): void {
  setHandler(
    defineUpdate<Accepted, [unknown]>(updateNames[name]),
    (raw) => handle(shape.parse(raw)) ?? { text: 'Too late: it is decided.' },
    {
      validator: (raw: unknown) => {
        const parsed = shape.safeParse(raw);
        if (!parsed.success) {
          const problems = parsed.error.issues
            .slice(0, 5)
            .map((issue) => `${issue.path.join('.') || 'the argument'}: ${issue.message}`);
          throw refused(name, problems.join('; '));
        }
        const why = desk.state.endedAt ? 'the run has ended' : objection(parsed.data);
        if (why) throw refused(name, why);
      },
    },
  );
}

function refused(name: string, why: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(`${name} refused: ${why}.`, 'Refused');
}

function needs(thing: unknown, otherwise: string): string | undefined {
  return thing === undefined ? otherwise : undefined;
}

function parkedStep(desk: Desk, id: string | undefined): { step?: ParkedStep; objection?: string } {
  const parked = desk.core?.parked ?? new Map<string, ParkedStep>();
  if (parked.size === 0) return { objection: 'no step is parked' };
  if (id === undefined) {
    const [only, ...others] = parked.values();
    if (only && others.length === 0) return { step: only };
    return { objection: `several steps are parked (${[...parked.keys()].join(', ')}): name one` };
  }
  const step = parked.get(id);
  return step
    ? { step }
    : { objection: `step ${id} is not parked (parked: ${[...parked.keys()].join(', ')})` };
}

function decide(
  desk: Desk,
  id: string | undefined,
  decision: NonNullable<ParkedStep['decision']>,
): Accepted | undefined {
  const { step } = parkedStep(desk, id);
  if (!step || step.decision) return undefined;
  step.decision = decision;
  const text =
    decision.kind === 'retry'
      ? `Step ${step.id} "${step.title}" is tried again`
      : `Step ${step.id} "${step.title}" is skipped: ${decision.reason}`;
  desk.state.log('person', `${text} (${decision.by})`, { by: decision.by, step: step.id });
  return { text: `${text}.` };
}
