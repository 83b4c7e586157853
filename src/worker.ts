/**
 * The worker: wiring only. It polls one task queue for workflow and activity tasks, and gives everything back in
 * order when it is told to stop.
 */
import { hostname } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ActivityInterceptorsFactory, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { createActivities } from './activities/index.ts';
import { type BundleOptions, workflowBundle } from './temporal/bundle.ts';
import { connectionSettings, type Target, TemporalUnreachable } from './temporal/connection.ts';
import { heartbeats } from './temporal/heartbeat.ts';
import { createLog, type Level, temporalLogger } from './temporal/logger.ts';
import { ensureSearchAttributes } from './temporal/search-attributes.ts';
import { taskQueue as defaultTaskQueue } from './workflows/contract.ts';

export interface WorkerSettings extends Target {
  systemsDirectory: string;
  taskQueue?: string;
  /** `host:port` of a Prometheus page; off without. */
  metrics?: string;
  logLevel?: Level;
  /** Around every activity, nearer to it than the worker's own. */
  interceptors?: ActivityInterceptorsFactory[];
  /** Other workflows than the product's own: for measurements. */
  workflows?: Pick<BundleOptions, 'entry' | 'directory'>;
  /** Receives the lines meant for a person: the bundle's build, warnings, `ready`. */
  say?: (line: string) => void;
}

/**
 * Runs a worker until SIGTERM or SIGINT: it stops polling, gives activities in hand ten seconds to end, then cancels
 * them (they are tried again elsewhere, from their last heartbeat), and returns. A second signal ends it at once.
 */
export async function runWorker(settings: WorkerSettings): Promise<void> {
  const { say = (line) => console.log(line), metrics, taskQueue = defaultTaskQueue } = settings;
  const log = createLog(settings.logLevel ?? 'warn', process.stderr, process.stderr.isTTY);
  Runtime.install({
    logger: temporalLogger(log),
    // Signals are ours, so that a second one can end a worker that does not stop.
    shutdownSignals: [],
    telemetryOptions: {
      logging: { forward: {}, filter: { core: 'WARN', other: 'ERROR' } },
      ...(metrics === undefined ? {} : { metrics: { prometheus: { bindAddress: metrics } } }),
    },
  });

  const { address, namespace, options } = connectionSettings(settings);
  const activities = createActivities({ systemsDirectory: path.resolve(settings.systemsDirectory) });
  const [bundle, connection] = await Promise.all([
    workflowBundle({ say, ...settings.workflows }),
    NativeConnection.connect(options as object).catch((error: unknown) => {
      throw new TemporalUnreachable(address, error);
    }),
  ]);
  try {
    const { added, warning } = await ensureSearchAttributes(connection, namespace);
    if (added.length > 0) say(`Added search attributes: ${added.join(', ')}`);
    if (warning !== undefined) say(`Warning: ${warning}`);

    const identity = `${hostname()}:${process.pid}`;
    const worker = await Worker.create({
      connection,
      namespace,
      taskQueue,
      identity,
      workflowBundle: bundle,
      activities,
      interceptors: { activity: [heartbeats, ...(settings.interceptors ?? [])] },
      // How long a run waits for the worker that had it before any other may take it over: the default is 10 s.
      stickyQueueScheduleToStartTimeout: '2s',
      // Heartbeats reach the server at least this often: progress is live, and a resumed transfer repeats little.
      maxHeartbeatThrottleInterval: '1s',
      defaultHeartbeatThrottleInterval: '1s',
      shutdownGraceTime: '10s',
      shutdownForceTime: '25s',
      // About 1 MB each; a run that is not cached is replayed, which costs milliseconds.
      maxCachedWorkflows: 200,
    });
    const stop = (signal: NodeJS.Signals) => {
      if (worker.getState() !== 'RUNNING') process.exit(1);
      say(`${signal}: no new work; ending what is in hand`);
      worker.shutdown();
    };
    process.on('SIGTERM', stop).on('SIGINT', stop);
    const running = worker.run();
    void announce(connection, { namespace, taskQueue, identity }, running).then((polls) => {
      if (polls && worker.getState() === 'RUNNING') {
        say(`ready: task queue ${taskQueue} at ${address}, namespace ${namespace}, as ${identity}`);
      }
    });
    await running;
    process.off('SIGTERM', stop).off('SIGINT', stop);
    say('stopped');
  } finally {
    await connection.close();
  }
}

/** Resolves when the server itself has seen this worker poll; false when the worker ended before. */
async function announce(
  connection: NativeConnection,
  queue: { namespace: string; taskQueue: string; identity: string },
  running: Promise<void>,
): Promise<boolean> {
  let ended = false;
  running.then(
    () => (ended = true),
    () => (ended = true),
  );
  while (!ended) {
    const seen = await connection.workflowService
      .describeTaskQueue({
        namespace: queue.namespace,
        taskQueue: { name: queue.taskQueue },
        taskQueueType: 1,
      })
      .catch(() => undefined);
    if (seen?.pollers.some((poller) => poller.identity === queue.identity)) return true;
    await sleep(50);
  }
  return false;
}
