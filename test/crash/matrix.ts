/** The kill points of every scenario, shared out among several labs that work side by side. */
import path from 'node:path';
import { temporaryDirectory } from '../../tools/lib/directories.ts';
import { startTemporalDevServer, type TemporalServer } from '../../tools/servers/temporal.ts';
import { type Lab, startLab } from '../support/lab.ts';
import { killPoints } from './events.ts';
import { makeTemplates, type Scenario, settle } from './scenarios.ts';
import { carryOut, judge, type Trial, type Verdict } from './trial.ts';

export interface MatrixOptions {
  scenarios: readonly Scenario[];
  /** Of each scenario's points only so many, chosen by the seed. */
  sample?: number;
  seed?: number;
  /** Labs side by side. A run that was killed waits most of its time: more labs than cores pay. */
  lanes?: number;
  onBaseline?: (scenario: Scenario, baseline: Trial, points: readonly string[]) => void;
  onResult?: (result: Result) => void;
}

export interface Result extends Verdict {
  scenario: string;
  point: string;
  outcome: string;
  tookMs: number;
}

export interface Matrix {
  temporal: TemporalServer;
  lanes: Lab[];
  run(options: MatrixOptions): Promise<Result[]>;
  stop(): Promise<void>;
}

export async function openMatrix(count: number): Promise<Matrix> {
  const directory = await temporaryDirectory('crash-');
  const temporal = await startTemporalDevServer({
    directory: path.join(directory, 'temporal'),
    dbFile: path.join(directory, 'temporal.db'),
  });
  const lanes: Lab[] = [];
  try {
    // One after another: the first makes the rows that the others copy.
    for (let number = 1; number <= count; number += 1) lanes.push(await openLane(`lane-${number}`, temporal));
  } catch (error) {
    await stopAll(lanes, temporal);
    throw error;
  }
  return {
    temporal,
    lanes,
    run: async (options) => await runMatrix(lanes, options),
    stop: async () => {
      await stopAll(lanes, temporal);
    },
  };
}

async function openLane(name: string, temporal: TemporalServer): Promise<Lab> {
  const lab = await startLab({ name, temporal, prepared: makeTemplates });
  // For the ways back between two runs; nobody kills it.
  const worker = await lab.startWorker();
  await worker.ready();
  await settle(lab);
  return lab;
}

async function stopAll(lanes: readonly Lab[], temporal: TemporalServer): Promise<void> {
  await Promise.allSettled(lanes.map((lab) => lab.stop()));
  await temporal.stop();
}

async function runMatrix(lanes: readonly Lab[], options: MatrixOptions): Promise<Result[]> {
  const [first] = lanes;
  if (!first) throw new TypeError('a matrix needs a lane');
  const results: Result[] = [];
  for (const scenario of options.scenarios) {
    // A restore after an earlier one is the usual case; the first ever leaves other marks.
    await Promise.all(lanes.map((lab) => carryOut(lab, scenario)));
    const baseline = await carryOut(first, scenario);
    if (baseline.outcome !== 'completed') {
      throw new Error(`${scenario.name} does not even complete when nothing is killed: ${baseline.outcome}`);
    }
    const all = killPoints(baseline.events);
    const points = options.sample === undefined ? all : choose(all, options.sample, options.seed ?? 1);
    options.onBaseline?.(scenario, baseline, points);
    const queue = [...points];
    await Promise.all(
      lanes.map(async (lab) => {
        for (let point = queue.shift(); point !== undefined; point = queue.shift()) {
          const trial = await reach(lab, scenario, point);
          const { outcome, tookMs } = trial;
          const result = { scenario: scenario.name, point, outcome, tookMs, ...judge(baseline, trial) };
          results.push(result);
          options.onResult?.(result);
        }
      }),
    );
  }
  return results;
}

/** A call may be over sooner than the unharmed run's was: then its middle is earlier. */
async function reach(lab: Lab, scenario: Scenario, point: string): Promise<Trial> {
  let trial = await carryOut(lab, scenario, point);
  for (const part of [3, 10, 50]) {
    if (trial.events.some(({ kind }) => kind === 'kill')) break;
    const earlier = point.replace(/@(\d+)$/, (_, ms: string) => `@${Math.round(Number(ms) / part)}`);
    if (earlier === point) break;
    trial = await carryOut(lab, scenario, earlier);
  }
  return trial;
}

/** The same points for the same seed. */
export function choose(points: readonly string[], count: number, seed: number): string[] {
  const left = [...points];
  const chosen: string[] = [];
  let state = seed >>> 0;
  while (chosen.length < count && left.length > 0) {
    // mulberry32, by Tommy Ettinger: small, and the same everywhere.
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    const index = ((mixed ^ (mixed >>> 14)) >>> 0) % left.length;
    chosen.push(...left.splice(index, 1));
  }
  return chosen;
}
