/** Workers in tests that fail on purpose would fill the log with what is expected of them. */
import { DefaultLogger, makeTelemetryFilterString, Runtime } from '@temporalio/worker';

/** Before the first worker of a test file. */
export function quietRuntime(log?: (entry: unknown) => void): void {
  Runtime.install({
    logger: new DefaultLogger('ERROR', log),
    telemetryOptions: {
      logging: { filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }), forward: {} },
    },
  });
}
