/** The activities as a step sees them: mutating ones unwrapped, with the call filled in and the commands noted down. */
import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../../activities/contract.ts';
import type { Call, Done } from '../../activities/call.ts';
import { classes, kinds } from './policies.ts';

type Unwrapped<Answer> = Answer extends Done<infer Result> ? Result : Answer;

/** Every activity takes its request alone and answers its result alone. */
export type StepActivities = {
  [Name in keyof Activities]: (
    request: Parameters<Activities[Name]>[0],
  ) => Promise<Unwrapped<Awaited<ReturnType<Activities[Name]>>>>;
};

/** What one or several mutating calls of a step did. */
export interface Deeds {
  commands: string[];
  /** A mutating activity was called. */
  mutating: boolean;
  /** At least one of them acted. */
  performed: boolean;
}

export function noDeeds(): Deeds {
  return { commands: [], mutating: false, performed: false };
}

type AnyActivity = (...args: unknown[]) => Promise<unknown>;

/**
 * @param summary shown beside each activity in the Temporal UI: the step's title.
 * @param deeds filled in as the step goes on.
 */
export function stepActivities(summary: string, call: Call, deeds: Deeds): StepActivities {
  const wrapped: Record<string, AnyActivity> = {};
  for (const [name, kind] of Object.entries(kinds)) {
    wrapped[name] = async (request: unknown) => {
      const proxy = proxyActivities<Record<string, AnyActivity>>({ ...classes[kind.class], summary });
      const activity = proxy[name];
      if (!activity) throw new TypeError(`no activity ${name}`);
      if (!kind.mutates) return activity(request);
      const done = (await activity(request, call)) as Done<unknown>;
      deeds.mutating = true;
      deeds.performed ||= done.performed;
      deeds.commands.push(...done.commands);
      return done.result;
    };
  }
  // The table `kinds` is keyed by Activities, so every name is there.
  return wrapped as unknown as StepActivities;
}
