/**
 * The one shape of a mutating activity: look first; then either it is done already, or say what is to be done; then, unless
 * this is a plan, make sure the lock is still ours, and act. Rule 5 of the house lives here, not in each activity's memory.
 */
import type { Call, Done } from './call.ts';
import { assertFence } from './fence.ts';

export type Observation<Result> =
  | { done: Result }
  | {
      /** The exact commands, in order, secrets redacted. Also what an approver is shown. */
      todo: readonly string[];
      /** What the result will be like, for the rest of a plan to go on with. */
      foreseen: Result;
    };

export interface Mutation<Request, Result> {
  /** Reads only. Runs again on every attempt. */
  observe(request: Request, call: Call): Promise<Observation<Result>>;
  /** Safe to run twice, and to run after half of it was done. */
  act(request: Request, call: Call): Promise<Result>;
}

export function mutation<Request, Result>(
  definition: Mutation<Request, Result>,
): (request: Request, call: Call) => Promise<Done<Result>> {
  return async (request, call) => {
    const seen = await definition.observe(request, call);
    if ('done' in seen) return { result: seen.done, performed: false, commands: [] };
    const commands = [...seen.todo];
    if (call.plan) return { result: seen.foreseen, performed: false, commands };
    await assertFence(call);
    return { result: await definition.act(request, call), performed: true, commands };
  };
}
