/**
 * `npm run demo`: the main job, on this machine, on real parts. A shop's data is backed up; its database is damaged, once
 * an index and once a page of rows; a runbook recovers it while its worker is killed in the middle; and the rows are
 * counted again.
 *
 *   npm run demo [-- --keep] [-- --s3] [-- --scale 1]
 */
import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import pc from 'picocolors';
import { followRun } from '../src/client/follow.ts';
import { RunbookClient, type StartedRun } from '../src/client/runs.ts';
import { workflowBundle } from '../src/temporal/bundle.ts';
import type { RunReport } from '../src/workflows/contract.ts';
import { damageHeapPage, silentIndexDamage, type DamageableServer } from '../tools/damage.ts';
import { startTemporalDevServer } from '../tools/servers/temporal.ts';
import { startVersitygw } from '../tools/servers/versitygw.ts';
import { ensureAll, sets } from '../tools/setup.ts';
import { approveWhenAsked, by, endIfParked, killInTheMiddle, type Set, wasRunning } from './meanwhile.ts';
import { prepareDemo } from './prepare.ts';
import { customersOrder, fingerprint, healthy } from './shop.ts';
import { Stage } from './stage.ts';
import { startWorker } from './worker.ts';

const { values: flags } = parseArgs({
  options: {
    keep: { type: 'boolean', default: false },
    s3: { type: 'boolean', default: false },
    scale: { type: 'string', default: '1' },
  },
});
const stage = new Stage(process.stdout);

async function build(): Promise<Set> {
  stage.heading('Getting ready');
  await ensureAll(sets.demo);
  const s3 = flags.s3
    ? await startVersitygw({ directory: path.join(tmpdir(), `runbooks-demo-s3-${process.pid}`) })
    : undefined;
  // With this server a bucket is a directory.
  if (s3) await mkdir(path.join(s3.dataDirectory, 'backups'));
  const shop = await prepareDemo({
    scale: Number(flags.scale),
    say: (line) => stage.say(`  ${line}`),
    ...(s3
      ? {
          s3: {
            endpoint: s3.endpoint,
            region: s3.region,
            accessKeyId: s3.accessKeyId,
            secretAccessKey: s3.secretAccessKey,
            bucket: 'backups',
          },
        }
      : {}),
  });
  await mkdir(path.join(shop.root, 'temporal'), { recursive: true });
  const [temporal] = await Promise.all([
    startTemporalDevServer({
      directory: path.join(shop.root, 'temporal'),
      dbFile: path.join(shop.root, 'temporal', 'temporal.db'),
      ui: true,
    }),
    workflowBundle({ say: (line) => stage.say(`  ${line}`) }),
  ]);
  stage.say(`  Temporal at ${temporal.address}, its web UI at ${pc.underline(temporal.uiUrl ?? '')}`);
  const newWorker = () =>
    startWorker({
      address: temporal.address,
      systems: shop.systemsDirectory,
      logFile: path.join(shop.root, 'logs', 'worker.log'),
    });
  const worker = await newWorker();
  stage.say(`  a worker, pid ${worker.pid}`);
  const runs = await RunbookClient.connect({ address: temporal.address }, { by });
  return { stage, shop, temporal, s3, runs, worker, newWorker, marks: [] };
}

/** Starts a run as `runbook run` does and follows it live. */
async function run(set: Set, name: string, input: Record<string, unknown> = {}): Promise<RunReport> {
  const extra = Object.entries(input).map(([field, value]) => ` --${field} ${JSON.stringify(value)}`);
  stage.command(`runbook run ${name} --system ${set.shop.name}${extra.join('')}`);
  const started = await set.runs.startRun(name, { system: set.shop.name, ...input });
  return follow(set, started);
}

async function follow(set: Set, started: StartedRun): Promise<RunReport> {
  await stage.live((stdout) =>
    followRun(set.runs, started, {
      stdout,
      env: process.env,
      json: false,
      signal: new AbortController().signal,
    }),
  );
  return set.runs.result(started.id);
}

/** The shop's PostgreSQL as something that can lose a page: stopped and started behind the product's back. */
function disk(set: Set): DamageableServer {
  const data = path.join(set.shop.root, 'postgres', 'data');
  return {
    dataDirectory: data,
    psql: (sql, database) => set.shop.psql(sql, database),
    async stop() {
      const pid = Number((await readFile(path.join(data, 'postmaster.pid'), 'utf8')).split('\n')[0]);
      process.kill(pid, 'SIGINT');
      while (
        await readFile(path.join(data, 'postmaster.pid')).then(
          () => true,
          () => false,
        )
      )
        await sleep(50);
    },
    async start() {
      const started = await set.runs.startRun('start-system', { system: set.shop.name, only: ['postgres'] });
      await set.runs.result(started.id);
    },
  };
}

async function play(set: Set): Promise<boolean> {
  const { shop } = set;
  stage.heading('1. Start the shop: every service as soon as those it needs are healthy');
  await run(set, 'start-system');

  stage.heading('2. Back it up: every byte is read back before it counts');
  const before = await fingerprint(shop);
  const backup = await run(set, 'full-backup');

  stage.heading('3. Customers keep ordering');
  const customers = customersOrder(shop);
  while (customers.placed() < 40) await sleep(100);
  stage.say(`  ${customers.placed()} orders placed since the backup`);

  stage.heading('4. An index loses writes: every page is valid, the answers are wrong');
  await customers.stop();
  const placed = customers.placed();
  const index = await silentIndexDamage(disk(set), {
    database: 'shop',
    index: 'public.orders_placed_idx',
    change: "update public.orders set placed_at = placed_at + interval '1 hour' where id % 1000 = 0",
  });
  stage.say(`  damaged: ${index.file}`);
  await sleep(1000);
  const reindexed = await run(set, 'recover-database');

  stage.heading('5. A page of rows is overwritten: no reindex can cure that');
  const heap = await damageHeapPage(disk(set), { database: 'shop', table: 'public.orders' });
  stage.say(`  damaged: ${heap.file}, page ${heap.blocks.join(', ')}`);
  stage.command(`runbook run recover-database --system ${shop.name}`);
  const started = await set.runs.startRun('recover-database', { system: shop.name });
  const [restored] = await Promise.all([
    follow(set, started),
    approveWhenAsked(set, started.id),
    killInTheMiddle(set, started.id),
    endIfParked(set, started.id),
  ]);

  stage.heading('6. The proof');
  const after = await fingerprint(shop);
  const databases = (
    await shop.psql("select datname from pg_database where datname like 'shop%' order by 1")
  ).map((row) => row['datname'] ?? '');
  const starts = (await readFile(path.join(shop.root, 'logs', 'api.log'), 'utf8'))
    .split('\n')
    .filter((line) => line.includes('listens')).length;
  const output = (report: RunReport) =>
    report.output as {
      cure?: string;
      verdict?: string;
      restored?: { keptAs: string; comparison: { equal: boolean; rows: string } } | null;
    };
  const kept = output(restored).restored?.keptAs ?? '';
  const checks: [string, boolean, string][] = [
    [
      'The index was cured by a reindex; nothing was restored',
      output(reindexed).cure === 'reindex' && output(reindexed).restored === null,
      String(output(reindexed).verdict),
    ],
    ...[...before].map(([table, print]): [string, boolean, string] => [
      `${table} is as it was backed up, counted independently`,
      after.get(table) === print,
      after.get(table) ?? 'missing',
    ]),
    [
      'The restored data equals the manifest of the backup',
      output(restored).restored?.comparison.equal === true,
      `${output(restored).restored?.comparison.rows ?? '0'} rows`,
    ],
    [
      'The worker died in the middle of the restore, and another did it again',
      wasRunning(restored.steps, 'Restore main', set.marks[0]?.at ?? ''),
      set.marks.map(({ text }) => text).join('; '),
    ],
    [
      'One swap, although the worker was killed: one database kept, none half restored',
      databases.length === 2 && databases.includes(kept),
      databases.join(', '),
    ],
    ['The API was started once at first and once after each recovery', starts === 3, `${starts} starts`],
    ['The API is healthy', (await healthy(shop)).startsWith('200'), await healthy(shop)],
  ];
  for (const [what, ok, found] of checks)
    stage.say(`  ${ok ? pc.green('✓') : pc.red('✗')} ${what}  ${pc.dim(found)}`);
  stage.say(
    `  The ${placed} orders placed after the backup are not lost: they are in ${kept}, the damaged database, which is kept.`,
  );

  stage.heading('What happened, from the run itself');
  for (const entry of await set.runs.timeline(started.id))
    stage.say(`  ${pc.dim(entry.at.slice(11, 19))} ${entry.text.split('\n')[0] ?? ''}`);
  stage.say(
    `\n  In the Temporal UI: ${pc.underline(`${set.temporal.uiUrl ?? ''}/namespaces/default/workflows/${encodeURIComponent(started.id)}`)}`,
  );
  // For tools/draw-run.ts.
  await writeFile(
    path.join(shop.root, 'logs', 'recovery.json'),
    `${JSON.stringify({ report: restored, marks: set.marks }, null, 2)}\n`,
  );
  await appendFile(
    path.join(shop.root, 'logs', 'demo.log'),
    `${JSON.stringify({ backup: backup.output, restored: restored.output, checks })}\n`,
  );
  return checks.every(([, ok]) => ok);
}

async function main(): Promise<void> {
  const set = await build();
  let ok = false;
  const end = async () => {
    await set.runs.close();
    await set.worker.stop();
    await set.shop.stopAll();
    await set.temporal.stop();
    await set.s3?.stop();
  };
  process.once('SIGINT', () => {
    void end().then(() => process.exit(130));
  });
  try {
    ok = await play(set);
    const options = `--address ${set.temporal.address} --systems ${path.relative('.', set.shop.systemsDirectory)}`;
    stage.heading(
      ok ? 'All of it is as it should be' : 'Something is not as it should be: see the marks above',
    );
    if (flags.keep) {
      stage.say(
        [
          '  Everything is still up (Ctrl-C ends it). Try, in another terminal:',
          `    npx runbook status ${options}`,
          `    npx runbook backups --system demo ${options}`,
          `    npx runbook run restore-drill --system demo ${options}`,
          `    npx runbook plan graceful-shutdown --system demo --reason "just looking" ${options}`,
        ].join('\n'),
      );
      await new Promise(() => undefined);
    }
    stage.say(
      '  Try next: npm run demo -- --keep leaves everything up to play with; npm run demo -- --s3 backs up to an S3 server.',
    );
  } finally {
    await end();
  }
  process.exitCode = ok ? 0 : 1;
}

await main();
