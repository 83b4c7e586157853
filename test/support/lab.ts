/**
 * A whole system in a temporary directory, all of it real: Temporal with its database file, the demonstration shop on ports
 * of its own, a Slack receiver as channel, and workers as processes of their own, which may be told where to die.
 */
import { randomUUID } from 'node:crypto';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import { parseDocument } from 'yaml';
import { leftovers } from '../../demo/prepare/leftovers.ts';
import { type Ports, prepareDemo, type PreparedDemo } from '../../demo/prepare.ts';
import { loadSystemFile } from '../../src/inventory/index.ts';
import type { System } from '../../src/inventory/schema/system.ts';
import type { ProgressView, RunReport } from '../../src/workflows/contract.ts';
import { temporaryDirectory } from '../../tools/lib/directories.ts';
import { lastingPort } from '../../tools/lib/ports.ts';
import { waitUntil } from '../../tools/lib/wait.ts';
import { type SlackReceiver, startSlackReceiver } from '../../tools/servers/slack.ts';
import { startTemporalDevServer, type TemporalServer } from '../../tools/servers/temporal.ts';
import { answerApprovals } from './approve.ts';
import { type LabWorker, startLabWorker } from './lab-worker.ts';

export interface LabOptions {
  /** The system's name. */
  name: string;
  /** Of the shop's rows; 0.02 is about 8 MB. */
  scale?: number;
  /** One that is shared; without, the lab has its own. */
  temporal?: TemporalServer;
  /** Where to; default: a temporary directory. It must be empty, or a lab's. */
  root?: string;
  ports?: Ports;
  /** Changes the inventory before anything reads it. */
  inventory?: (document: ReturnType<typeof parseDocument>) => void;
  /** Done with the prepared shop before anything of it runs. */
  prepared?: (demo: PreparedDemo) => Promise<void>;
}

export interface Lab {
  readonly demo: PreparedDemo;
  readonly system: System;
  readonly temporal: TemporalServer;
  readonly client: Client;
  readonly slack: SlackReceiver;
  /** What {@link Lab.startWorker} and {@link Lab.start} use unless told otherwise. */
  readonly taskQueue: string;
  startWorker(options?: { kill?: string; events?: string; taskQueue?: string }): Promise<LabWorker>;
  /** `system` is filled in. */
  start(workflowType: string, input?: Record<string, unknown>, taskQueue?: string): Promise<WorkflowHandle>;
  /** Starts, answers approvals as alice, and waits for the report. */
  run<Output = unknown>(
    workflowType: string,
    input?: Record<string, unknown>,
    taskQueue?: string,
  ): Promise<RunReport<Output>>;
  progress(handle: WorkflowHandle): Promise<ProgressView>;
  stop(): Promise<void>;
}

/** The shop's databases log what was carried out: the record of effects that no worker keeps. */
const postgresLogging = [
  'log_min_duration_statement = 0',
  "log_line_prefix = '%m [%p] %a '",
  'logging_collector = off',
  '',
].join('\n');

export async function distinctPorts(): Promise<Ports> {
  const found = new Set<number>();
  while (found.size < 6) found.add(await lastingPort());
  const [postgres = 0, redis = 0, api = 0, search = 0, reports = 0, web = 0] = found;
  return { postgres, redis, api, search, reports, web };
}

export async function startLab(options: LabOptions): Promise<Lab> {
  const { name, scale = 0.02 } = options;
  const directory = options.root ?? (await temporaryDirectory('lab-'));
  const slack = await startSlackReceiver();
  const demo = await prepareDemo({
    root: path.join(directory, 'shop'),
    name,
    scale,
    ports: options.ports ?? (await distinctPorts()),
  });
  await appendFile(path.join(demo.root, 'postgres', 'data', 'demo.conf'), postgresLogging);
  await wireSlack(demo, slack.url, options.inventory);
  const { system, problems } = await loadSystemFile(demo.inventoryFile);
  if (!system) throw new Error(`The lab's inventory is broken: ${JSON.stringify(problems)}`);
  await options.prepared?.(demo);

  const temporal =
    options.temporal ??
    (await startTemporalDevServer({
      directory: path.join(directory, 'temporal'),
      dbFile: path.join(directory, 'temporal.db'),
    }));
  const connection = await Connection.connect({ address: temporal.address });
  const client = new Client({ connection });
  const taskQueue = `lab-${name}-${randomUUID().slice(0, 8)}`;
  const workers = new Set<LabWorker>();
  // Services outlive workers, and must not outlive us: whoever gives up on a lab leaves nothing running.
  process.once('exit', () => {
    for (const { pid } of leftovers(demo.root)) process.kill(pid, 'SIGKILL');
  });

  const start: Lab['start'] = async (workflowType, input = {}, queue = taskQueue) =>
    await client.workflow.start(workflowType, {
      taskQueue: queue,
      workflowId: `${workflowType}/${name}/${randomUUID().slice(0, 8)}`,
      args: [{ system: name, requestedBy: 'lab', ...input }],
    });
  return {
    demo,
    system,
    temporal,
    client,
    slack,
    taskQueue,
    start,
    async startWorker({ kill, events, taskQueue: queue = taskQueue } = {}) {
      const worker = await startLabWorker({
        address: temporal.address,
        systemsDirectory: demo.systemsDirectory,
        taskQueue: queue,
        logFile: path.join(demo.root, 'logs', 'worker.log'),
        kill,
        events,
      });
      workers.add(worker);
      void worker.exited.then(() => workers.delete(worker));
      return worker;
    },
    async run<Output>(workflowType: string, input?: Record<string, unknown>, queue?: string) {
      const handle = await start(workflowType, input, queue);
      const answering = answerApprovals(handle);
      try {
        return (await handle.result()) as RunReport<Output>;
      } finally {
        answering.stop();
      }
    },
    progress: (handle) => handle.query<ProgressView>('progress'),
    async stop() {
      for (const worker of workers) await worker.kill();
      await demo.stopAll();
      await connection.close();
      if (options.temporal === undefined) await temporal.stop();
      await slack.stop();
    },
  };
}

/** Waits until a run's progress satisfies `satisfied`; a query that nobody answers yet counts as "not yet". */
export async function untilProgress(
  lab: Lab,
  handle: WorkflowHandle,
  satisfied: (view: ProgressView) => boolean,
  timeoutMs = 60_000,
): Promise<ProgressView> {
  return await waitUntil(
    async () => {
      const view = await lab.progress(handle);
      return satisfied(view) ? view : undefined;
    },
    { timeoutMs, what: 'the run to get there', intervalMs: 50 },
  );
}

async function wireSlack(demo: PreparedDemo, url: string, change: LabOptions['inventory']): Promise<void> {
  await writeFile(path.join(demo.root, 'keys', 'slack.webhook'), `${url}\n`, { mode: 0o600 });
  const document = parseDocument(await readFile(demo.inventoryFile, 'utf8'));
  document.setIn(
    ['people', 'channels'],
    document.createNode({
      slack: { type: 'slack', webhook: 'file:../keys/slack.webhook' },
    }),
  );
  document.setIn(['people', 'notices'], document.createNode(['slack']));
  document.setIn(
    ['people', 'escalation'],
    document.createNode([
      { after: '0s', responders: ['on-call'], channels: ['slack'] },
      { after: '10m', responders: ['operations-lead'], channels: ['slack'] },
      { after: '30m', responders: ['head-of-engineering'], channels: ['slack'] },
    ]),
  );
  change?.(document);
  await writeFile(demo.inventoryFile, document.toString({ lineWidth: 0 }));
}
