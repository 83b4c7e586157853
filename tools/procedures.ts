/**
 * `npm run procedures`: every procedure this project sets out to carry, the runbook that does, the tests that show it and
 * what they said when they last ran.
 *
 *   npm run procedures                 a table
 *   npm run --silent procedures -- --json       one JSON object a line
 *   npm run procedures -- --run        runs the tests first
 *
 * Exit code 1 when one of them failed.
 */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { lastChange, lastReport } from './lib/last-report.ts';
import { coverage, stateText } from './procedures/coverage.ts';
import { freshReports, resultOf } from './procedures/results.ts';

const root = path.dirname(import.meta.dirname);
const { values: flags } = parseArgs({
  options: { json: { type: 'boolean', default: false }, run: { type: 'boolean', default: false } },
});

const all = await coverage();
if (flags.run) {
  const files = [...new Set(all.flatMap(({ tests }) => tests.map(({ file }) => file)))];
  if (files.length > 0) await runTests(files);
}
const fresh = await freshReports(await lastReport(), await lastChange());
const rows = all.map(({ id, system, title, runbooks, tests, runsOn, state }) => ({
  id,
  system,
  title,
  runbook: runbooks,
  tests: tests.map((test) => `${test.file}: ${test.title}`),
  result: resultOf(
    id,
    tests.map(({ file }) => file),
    fresh,
  ),
  runsOn,
  state: stateText({ state, runsOn }),
}));

if (flags.json) for (const row of rows) console.log(JSON.stringify(row));
else {
  for (const row of rows) {
    const facts = [row.id.padEnd(4), row.system.padEnd(17), row.result.padEnd(8), row.title];
    console.log(`${facts.join(' ')}${row.runbook.length > 0 ? `  (${row.runbook.join(', ')})` : ''}`);
  }
  const count = (wanted: string) => rows.filter(({ result }) => result === wanted).length;
  const wanted = ['passed', 'failed', 'not run', 'no test'];
  console.log(`\n${rows.length} procedures: ${wanted.map((one) => `${count(one)} ${one}`).join(', ')}.`);
  console.log(
    'A test counts on the inventory it runs on, today the demonstration system: docs/coverage.md says more.',
  );
}
process.exitCode = rows.some(({ result }) => result === 'failed') ? 1 : 0;

/** With everything `npm test` sees to; its output goes to stderr, so that ours stays clean. */
async function runTests(files: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, [path.join(root, 'tools', 'test.ts'), ...files], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', () => {
      resolve();
    });
  });
}
