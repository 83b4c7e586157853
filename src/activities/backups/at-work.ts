/** Gives an activity of this folder its cancellation and its heartbeat. */
import { Context } from '@temporalio/activity';
import type { Call, Done, Progress } from '../call.ts';
import { mutation, type Observation } from '../mutation.ts';
import type { Work } from '../stores/contract.ts';

/** Milliseconds between heartbeats, also while nothing is read: well under the shortest heartbeat time-out of 5 s. */
const beat = 1500;

export async function withWork<Result>(call: Call, use: (work: Work) => Promise<Result>): Promise<Result> {
  const context = Context.current();
  let latest: Progress | undefined;
  const timer = setInterval(() => context.heartbeat(latest), beat);
  try {
    return await use({
      signal: context.cancellationSignal,
      call,
      progress: (progress) => {
        latest = progress;
      },
    });
  } finally {
    clearInterval(timer);
  }
}

export function effect<Request, Result>(definition: {
  observe(request: Request, work: Work): Promise<Observation<Result>>;
  act(request: Request, work: Work): Promise<Result>;
}): (request: Request, call: Call) => Promise<Done<Result>> {
  return mutation<Request, Result>({
    observe: async (request, call) =>
      await withWork(call, async (work) => await definition.observe(request, work)),
    act: async (request, call) => await withWork(call, async (work) => await definition.act(request, work)),
  });
}
