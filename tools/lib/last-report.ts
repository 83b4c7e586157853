/**
 * What the tests said when they last ran: vitest's JSON report, kept in the checkout by `npm test`, file by file, so that a
 * run of some files does not forget the others.
 */
import { mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { VitestReport } from './test-report.ts';

const root = path.resolve(import.meta.dirname, '../..');
const kept = path.join(root, '.cache', 'test-report.json');
/** What a result depends on, beside its own test file. */
const sources = ['src', 'demo', 'test/support', 'tools/servers'];

export type FileReport = VitestReport['testResults'][number] & { readonly endTime?: number };

/** Files by their path from the root of the project; empty when no test has run. */
export async function lastReport(): Promise<Map<string, FileReport>> {
  try {
    return new Map(JSON.parse(await readFile(kept, 'utf8')) as [string, FileReport][]);
  } catch {
    return new Map();
  }
}

/** Adds a report to what is kept. */
export async function keepReport(report: VitestReport): Promise<void> {
  const all = await lastReport();
  for (const file of report.testResults) all.set(path.relative(root, file.name), file);
  await mkdir(path.dirname(kept), { recursive: true });
  const draft = `${kept}.${process.pid}`;
  await writeFile(draft, JSON.stringify([...all]));
  await rename(draft, kept);
}

/** When the product was last changed, in milliseconds: an older result says nothing of it as it is now. */
export async function lastChange(): Promise<number> {
  const times = await Promise.all(sources.map(async (name) => await newest(path.join(root, name))));
  return Math.max(...times);
}

async function newest(directory: string): Promise<number> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const times = await Promise.all(
    files.map(async (entry) => (await stat(path.join(entry.parentPath, entry.name))).mtimeMs),
  );
  return Math.max(0, ...times);
}
