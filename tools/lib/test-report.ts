/** What vitest's JSON report says, in one line that cannot flatter. */

/** The parts of vitest's JSON report that are used here. */
export interface VitestReport {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message?: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly duration?: number | null;
    }[];
  }[];
}

export interface Summary {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** `N passed, N failed[, N skipped]`. */
  readonly line: string;
  /** Failures that vitest does not count as tests. */
  readonly explanations: readonly string[];
}

/**
 * Counts tests. Counted as failed too: a file that could not be loaded, a run without a single test, a run that vitest
 * itself calls failed though every test passed (an unhandled error, a broken global setup), and with `requireAll`
 * every skipped test.
 */
export function summarise(
  report: VitestReport | undefined,
  { exitCode, requireAll }: { readonly exitCode: number; readonly requireAll: boolean },
): Summary {
  const files = report?.testResults ?? [];
  const tests = files.flatMap((file) => file.assertionResults);
  const count = (...statuses: string[]) => tests.filter((test) => statuses.includes(test.status)).length;
  const passed = count('passed');
  const skipped = count('skipped', 'pending', 'todo', 'disabled');
  // Whatever status vitest may add later is no success.
  let failed = tests.length - passed - skipped;
  const explanations: string[] = [];

  for (const file of files) {
    if (file.status === 'passed' || file.assertionResults.some((test) => test.status === 'failed')) continue;
    failed += 1;
    explanations.push(`Failed outside of its tests: ${file.name}: ${file.message ?? ''}`);
  }
  if (requireAll && skipped > 0) {
    failed += skipped;
    explanations.push(`Skipped tests count as failures here: ${skipped}`);
  }
  if (failed === 0 && exitCode !== 0) {
    failed = 1;
    explanations.push(`vitest failed (exit ${exitCode}) although no test did: see its messages above`);
  }
  if (failed === 0 && passed === 0) {
    failed = 1;
    explanations.push('No test ran');
  }
  const line = `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
  return { passed, failed, skipped, line, explanations };
}

/** The slowest tests, slowest first. */
export function slowest(
  report: VitestReport,
  count: number,
): { readonly name: string; readonly file: string; readonly milliseconds: number }[] {
  return report.testResults
    .flatMap((file) =>
      file.assertionResults.map((test) => ({
        name: test.fullName,
        file: file.name,
        milliseconds: test.duration ?? 0,
      })),
    )
    .sort((a, b) => b.milliseconds - a.milliseconds)
    .slice(0, count);
}
