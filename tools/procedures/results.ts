/** What the tests of a procedure said when they last ran. */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { FileReport } from '../lib/last-report.ts';
import { idsOf } from './tags.ts';

const root = path.resolve(import.meta.dirname, '../..');

/** `not run`: there are tests, and no result that is younger than the product and the test. */
export type Result = 'passed' | 'failed' | 'not run' | 'no test';

/** The reports that are younger than `changed` and than their own test file. */
export async function freshReports(
  reports: ReadonlyMap<string, FileReport>,
  changed: number,
): Promise<Map<string, FileReport>> {
  const looked = await Promise.all(
    [...reports].map(async ([file, report]): Promise<[string, FileReport][]> => {
      const written = await stat(path.join(root, file)).then(
        ({ mtimeMs }) => mtimeMs,
        () => Infinity,
      );
      return (report.endTime ?? 0) >= Math.max(written, changed) ? [[file, report]] : [];
    }),
  );
  return new Map(looked.flat());
}

/** One failure outweighs everything; every test must have passed for a pass. */
export function resultOf(
  id: string,
  files: readonly string[],
  fresh: ReadonlyMap<string, FileReport>,
): Result {
  if (files.length === 0) return 'no test';
  const statuses = [...new Set(files)].flatMap((file) => {
    const report = fresh.get(file);
    if (report === undefined) return ['not run'];
    const own = report.assertionResults.filter(({ fullName }) => idsOf(fullName).includes(id));
    // A file that could not be loaded has no tests at all, and is no pass.
    return own.length > 0
      ? own.map(({ status }) => status)
      : [report.status === 'failed' ? 'failed' : 'not run'];
  });
  if (statuses.includes('failed')) return 'failed';
  return statuses.every((status) => status === 'passed') ? 'passed' : 'not run';
}
