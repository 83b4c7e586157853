/**
 * `npm run crash`: kills the worker at every point of every runbook, and compares what is left with a run that nobody killed.
 *
 *   npm run crash -- [--runbook recover-database]... [--sample 3] [--seed 7] [--lanes 4] [--json]
 *
 * Ends with 0 only if every point was reached and every end state is equal.
 */
import { parseArgs } from 'node:util';
import { openMatrix, type Result } from './matrix.ts';
import { scenarios } from './scenarios.ts';
import { restartTemporal } from './temporal-restart.ts';

const { values } = parseArgs({
  options: {
    runbook: { type: 'string', multiple: true, default: [''] },
    sample: { type: 'string' },
    seed: { type: 'string', default: '1' },
    lanes: { type: 'string', default: '4' },
    json: { type: 'boolean', default: false },
  },
});
const wanted = scenarios.filter(({ name }) => values.runbook.some((start) => name.startsWith(start)));
if (wanted.length === 0) {
  console.error(
    `There is no runbook ${values.runbook.join(' or ')} here: ${scenarios.map(({ name }) => name).join(', ')}`,
  );
  process.exit(2);
}

const started = performance.now();
const seconds = (ms: number | undefined) => (ms === undefined ? '-' : `${(ms / 1000).toFixed(1)} s`);
const say = (line: string, facts: object) => {
  console.log(values.json ? JSON.stringify(facts) : line);
};

say('Preparing the labs ...', { event: 'prepare', lanes: Number(values.lanes) });
const matrix = await openMatrix(Number(values.lanes));
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    void matrix.stop().finally(() => process.exit(130));
  });
}
let points = 0;
let results: Result[];
let restart: Result | undefined;
try {
  results = await matrix.run({
    scenarios: wanted,
    seed: Number(values.seed),
    ...(values.sample === undefined ? {} : { sample: Number(values.sample) }),
    onBaseline: (scenario, baseline, chosen) => {
      points += chosen.length;
      say(
        `\n${scenario.name}: ${seconds(baseline.tookMs)} when nobody is killed, ${chosen.length} kill points`,
        {
          event: 'baseline',
          scenario: scenario.name,
          tookMs: baseline.tookMs,
          points: chosen.length,
          effects: baseline.ledger.effects,
        },
      );
    },
    onResult: show,
  });
  if (wanted.some(({ name }) => name === 'restore-backup')) {
    points += 1;
    restart = await restartTemporal(matrix);
    show(restart);
    results.push(restart);
  }
} finally {
  await matrix.stop();
}

const ran = results.filter((result) => result.ran).length;
const equal = results.filter((result) => result.ran && result.equal).length;
const waits = results.flatMap(({ resumedAfterMs }) => resumedAfterMs ?? []).sort((a, b) => a - b);
const summary = {
  points,
  ran,
  equal,
  worstMs: waits.at(-1),
  medianMs: waits[Math.floor(waits.length / 2)],
  repeatedMessages: results.reduce((sum, { repeatedMessages }) => sum + repeatedMessages, 0),
  tookMs: performance.now() - started,
};
say(
  [
    `\nkill points ${points}, ran ${ran}, equal ${equal}`,
    `from the kill to the next activity: worst ${seconds(summary.worstMs)}, median ${seconds(summary.medianMs)}`,
    `messages sent again with the same key: ${summary.repeatedMessages}`,
    `took ${seconds(summary.tookMs)}`,
  ].join('\n'),
  { event: 'summary', ...summary },
);
process.exitCode = equal === points ? 0 : 1;

function show(result: Result): void {
  const { scenario, point, ran: reached, equal: isEqual, resumedAfterMs, tookMs, differences } = result;
  const verdict = !reached ? 'NOT REACHED' : isEqual ? 'equal' : 'DIFFERS';
  say(
    [
      `${verdict.padEnd(11)} ${scenario.padEnd(22)} ${point.padEnd(28)} next activity after ${seconds(resumedAfterMs)}, over after ${seconds(tookMs)}`,
      ...differences.map((line) => `    ${line.replaceAll('\n', '\n      ')}`),
    ].join('\n'),
    { event: 'point', ...result },
  );
}
