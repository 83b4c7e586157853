/**
 * Every activity heartbeats each second, whatever it does: so a dead worker is noticed within seconds, and a cancelled run's
 * activity hears of it. Details already reported are not lost: an activity that reports progress sends its own heartbeats.
 */
import type { Context } from '@temporalio/activity';
import type { ActivityInboundCallsInterceptor } from '@temporalio/worker';

const beatMs = 1000;

export function heartbeats(context: Context): { inbound: ActivityInboundCallsInterceptor } {
  return {
    inbound: {
      async execute(input, next) {
        let details = context.info.heartbeatDetails as unknown;
        // What the activity itself reports is repeated, so that the last of it is what a next attempt finds.
        const own = context.heartbeat;
        Object.defineProperty(context, 'heartbeat', {
          value: (reported?: unknown) => {
            details = reported;
            own(reported);
          },
        });
        const timer = setInterval(() => own(details), beatMs);
        try {
          return await next(input);
        } finally {
          clearInterval(timer);
        }
      },
    },
  };
}
