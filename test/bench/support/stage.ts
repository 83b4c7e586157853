/** What benchmarks run on: Temporal, an S3 server, prepared shops, and the product's worker as a process of its own. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { parseDocument } from 'yaml';
import { type Ports, prepareDemo, type PreparedDemo } from '../../../demo/prepare.ts';
import { type DemoWorker, startWorker } from '../../../demo/worker.ts';
import { RunbookClient } from '../../../src/client/runs.ts';
import type { RunReport } from '../../../src/workflows/contract.ts';
import { temporaryDirectory } from '../../../tools/lib/directories.ts';
import { freePort } from '../../../tools/lib/ports.ts';
import { startTemporalDevServer, type TemporalServer } from '../../../tools/servers/temporal.ts';
import { type S3Server, startVersitygw } from '../../../tools/servers/versitygw.ts';

/** Bytes of the shop's database at scale 1, with indexes: measured with pg_database_size. */
const bytesAtScaleOne = 444e6;

export type Inventory = ReturnType<typeof parseDocument>;

export interface Stage {
  directory: string;
  temporal: TemporalServer;
  s3: S3Server;
  bucket: string;
  /** Where the bundle of the runbooks for measurements is kept. */
  bundles: string;
  runs: RunbookClient;
  /** A shop whose database has about so many bytes, backed up to the S3 server. Nothing of it runs yet. */
  prepare(name: string, bytes: number, change?: (inventory: Inventory) => void): Promise<PreparedDemo>;
  /** A worker for one shop; ended by `stop`. */
  worker(demo: PreparedDemo): Promise<DemoWorker>;
  /** Starts a runbook and waits for its report. */
  run<Output = unknown>(runbook: string, demo: PreparedDemo, input?: object): Promise<RunReport<Output>>;
  stop(): Promise<void>;
}

export async function openStage(say: (line: string) => void): Promise<Stage> {
  const directory = await temporaryDirectory('bench-');
  const temporal = await startTemporalDevServer({
    directory: path.join(directory, 'temporal'),
    dbFile: path.join(directory, 'temporal.db'),
  });
  const s3 = await startVersitygw({ directory: path.join(directory, 's3') });
  const bucket = 'bench';
  await makeBucket(s3, bucket);
  const runs = await RunbookClient.connect({ address: temporal.address }, { by: 'bench' });
  const demos: PreparedDemo[] = [];
  const workers: DemoWorker[] = [];
  return {
    directory,
    temporal,
    s3,
    bucket,
    bundles: path.join(directory, 'bundles'),
    runs,
    async prepare(name, bytes, change) {
      const demo = await prepareDemo({
        root: path.join(directory, name),
        name,
        scale: Math.max(0.01, bytes / bytesAtScaleOne),
        ports: await freePorts(),
        s3: { ...s3, bucket },
        say,
      });
      demos.push(demo);
      if (change) await changeInventory(demo.inventoryFile, change);
      return demo;
    },
    async worker(demo) {
      const worker = await startWorker({
        address: temporal.address,
        systems: demo.systemsDirectory,
        logFile: path.join(demo.root, 'logs', 'worker.log'),
      });
      workers.push(worker);
      return worker;
    },
    async run<Output>(runbook: string, demo: PreparedDemo, input: object = {}) {
      const { id } = await runs.startRun(runbook, { system: demo.name, ...input });
      return await endOf<Output>(runs, id);
    },
    async stop() {
      for (const worker of workers) await worker.kill();
      for (const demo of demos) await demo.stopAll();
      await runs.close();
      await s3.stop();
      await temporal.stop();
    },
  };
}

/** The report of a run. A step that fails parks its run for a person, and here there is none: that ends the benchmark. */
async function endOf<Output>(runs: RunbookClient, id: string): Promise<RunReport<Output>> {
  const over = new AbortController();
  const watching = (async () => {
    while (!over.signal.aborted) {
      await sleep(5000, undefined, { signal: over.signal });
      // Rarely asked: the answer costs the worker, which is being measured, a moment.
      const seen = await runs.progress(id).catch(() => undefined);
      if (seen?.phase !== 'parked') continue;
      await runs.handle(id).terminate('parked');
      throw new Error(`${id} waits for a person:\n${JSON.stringify(seen.steps, null, 2)}`);
    }
    throw new Error('not reached');
  })();
  try {
    return await Promise.race([runs.result<Output>(id), watching]);
  } finally {
    over.abort();
    watching.catch(() => undefined);
  }
}

/** Changes an inventory before anything reads it. */
export async function changeInventory(file: string, change: (inventory: Inventory) => void): Promise<void> {
  const inventory = parseDocument(await readFile(file, 'utf8'));
  change(inventory);
  await writeFile(file, inventory.toString({ lineWidth: 0 }));
}

/** Seconds between the start of the first of a report's steps with one of these titles and the end of the last. */
export function secondsOf(report: RunReport, titles: readonly string[]): number {
  const steps = report.steps.filter(({ title }) => titles.includes(title));
  if (steps.length !== titles.length)
    throw new Error(`the report of ${report.runbook} lacks one of: ${titles.join(', ')}`);
  const from = Math.min(...steps.map(({ startedAt }) => Date.parse(startedAt)));
  const until = Math.max(...steps.map(({ endedAt = '' }) => Date.parse(endedAt)));
  return (until - from) / 1000;
}

async function makeBucket(s3: S3Server, bucket: string): Promise<void> {
  const { endpoint, region, accessKeyId, secretAccessKey } = s3;
  const credentials = { accessKeyId, secretAccessKey };
  const client = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  client.destroy();
}

async function freePorts(): Promise<Ports> {
  const found = new Set<number>();
  while (found.size < 6) found.add(await freePort());
  const [postgres = 0, redis = 0, api = 0, search = 0, reports = 0, web = 0] = found;
  return { postgres, redis, api, search, reports, web };
}
