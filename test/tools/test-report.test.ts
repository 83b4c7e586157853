import { expect, test } from 'vitest';

import { slowest, summarise, type VitestReport } from '../../tools/lib/test-report.ts';

function report(statuses: string[], fileStatus = 'passed'): VitestReport {
  return {
    testResults: [
      {
        name: '/project/a.test.ts',
        status: fileStatus,
        assertionResults: statuses.map((status, n) => ({ fullName: `test ${n}`, status, duration: n })),
      },
    ],
  };
}
const ok = { exitCode: 0, requireAll: false };
const bad = { exitCode: 1, requireAll: false };

test.each([
  ['all passed', report(['passed', 'passed']), ok, '2 passed, 0 failed'],
  ['one failed', report(['passed', 'failed'], 'failed'), bad, '1 passed, 1 failed'],
  ['one skipped', report(['passed', 'skipped']), ok, '1 passed, 0 failed, 1 skipped'],
  [
    'skips required',
    report(['passed', 'skipped', 'todo']),
    { ...ok, requireAll: true },
    '1 passed, 2 failed, 2 skipped',
  ],
  ['a file that does not load', report([], 'failed'), bad, '0 passed, 1 failed'],
  ['an error between tests', report(['passed']), bad, '1 passed, 1 failed'],
  ['a hook that fails after the tests', report(['passed'], 'failed'), bad, '1 passed, 1 failed'],
  ['a status nobody knows', report(['passed', 'perhaps']), ok, '1 passed, 1 failed'],
  ['no test at all', { testResults: [] }, ok, '0 passed, 1 failed'],
  ['no report', undefined, bad, '0 passed, 1 failed'],
  ['only skips', report(['skipped']), ok, '0 passed, 1 failed, 1 skipped'],
] as const)('%s', (_, vitest, outcome, line) => {
  const summary = summarise(vitest, outcome);
  expect(summary.line).toBe(line);
});

test('the slowest come first', () => {
  expect(slowest(report(['passed', 'passed', 'passed']), 2).map((entry) => entry.name)).toEqual([
    'test 2',
    'test 1',
  ]);
});
