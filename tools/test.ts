/**
 * `npm test`: makes sure of the tools, runs the tests with vitest (arguments are passed on), names the ten slowest, and
 * ends with one plain line: `N passed, N failed`, and `, N skipped` when there are any.
 *
 *   npm test -- test/tools              some files
 *   npm test -- --require-all           a skipped test is a failure (or RUNBOOK_REQUIRE_ALL=1)
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

import { temporaryDirectory } from './lib/directories.ts';
import { keepReport } from './lib/last-report.ts';
import { slowest, summarise, type VitestReport } from './lib/test-report.ts';
import { ensureAll, sets } from './setup.ts';

const root = path.dirname(import.meta.dirname);
const requireAll = process.env['RUNBOOK_REQUIRE_ALL'] === '1' || process.argv.includes('--require-all');
const vitestArguments = process.argv.slice(2).filter((argument) => argument !== '--require-all');

try {
  await ensureAll(sets.test);
} catch (error) {
  console.error(`The tools that the tests need could not be had:\n${(error as Error).message}`);
  console.log('0 passed, 1 failed');
  process.exit(1);
}

const reportFile = path.join(await temporaryDirectory(), 'report.json');
const exitCode = await runVitest();
const report = existsSync(reportFile)
  ? (JSON.parse(readFileSync(reportFile, 'utf8')) as VitestReport)
  : undefined;

if (report !== undefined) {
  // For `npm run procedures`; without it the tests are what they are.
  await keepReport(report).catch(() => undefined);
  console.log('\nThe slowest tests:');
  for (const test of slowest(report, 10)) {
    console.log(
      `  ${(test.milliseconds / 1000).toFixed(2).padStart(7)} s  ${test.name}  (${path.relative(root, test.file)})`,
    );
  }
}
const summary = summarise(report, { exitCode, requireAll });
console.log('');
for (const line of summary.explanations) console.log(line);
console.log(summary.line);
process.exitCode = summary.failed === 0 ? 0 : 1;

/** Runs vitest to its end and returns its exit code; a signal counts as 1. */
async function runVitest(): Promise<number> {
  const vitest = path.join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const child = spawn(
    process.execPath,
    [
      vitest,
      'run',
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${reportFile}`,
      ...vitestArguments,
    ],
    { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] },
  );
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => child.kill(signal));
  }
  return await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => {
      resolve(code ?? 1);
    });
  });
}
