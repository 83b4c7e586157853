/** Measures what is promised, against plain scripts that do the same: `npm run bench`. Exit code 1 when a target is missed. */
import * as backup from './benchmarks/backup.ts';
import * as memory from './benchmarks/memory.ts';
import * as restore from './benchmarks/restore.ts';
import * as resume from './benchmarks/resume.ts';
import * as start from './benchmarks/start.ts';
import * as step from './benchmarks/step.ts';
import * as workerStart from './benchmarks/worker-start.ts';
import { writeDocs } from './support/docs.ts';
import { type Options, parseOptions, usage } from './support/options.ts';
import { judged, type Result, table } from './support/result.ts';
import { openStage } from './support/stage.ts';

const benchmarks = [workerStart, step, resume, start, backup, restore, memory];

const say = (line: string) => {
  console.error(`bench: ${line}`);
};

async function main(options: Options): Promise<Result[]> {
  const chosen = benchmarks.filter(({ ids }) => isWanted(ids, options));
  const stage = await openStage(say);
  const results: Result[] = [];
  // The shops outlive whoever started them: also after Ctrl-C somebody must end them.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void stage.stop().finally(() => process.exit(1)));
  }
  try {
    for (const { ids, measure } of chosen) {
      say(`${ids.join(', ')} ...`);
      for (const result of (await measure({ stage, options })).map(judged)) {
        results.push(result);
        if (options.json) console.log(JSON.stringify(result));
        else console.log(table([result]).split('\n')[1]);
      }
    }
  } finally {
    await stage.stop();
  }
  return results;
}

function isWanted(ids: readonly string[], { only }: Options): boolean {
  return only.length === 0 || ids.some((id) => only.includes(id));
}

const ids = benchmarks.flatMap((benchmark) => benchmark.ids);
let options: Options | undefined;
try {
  options = parseOptions(process.argv.slice(2));
  const unknown = options.only.filter((id) => !ids.includes(id));
  if (unknown.length > 0)
    throw new Error(`no benchmark ${unknown.join(', ')} (there are: ${ids.join(', ')})`);
} catch (error) {
  console.error(`${(error as Error).message}\n\n${usage}`);
  process.exitCode = 2;
}

if (process.exitCode === undefined && options) {
  const results = await main(options);
  if (!options.json) console.log(`\n${table(results)}`);
  if (options.writeDocs) say(`written: ${await writeDocs(results, ids, options.bytes)}`);
  if (results.some(({ pass }) => pass === false)) process.exitCode = 1;
}
