/**
 * Brings the tools that tests and demo need, and that npm does not: looks on this machine first, then builds or
 * fetches pinned versions into a cache outside the checkout. Silent and quick when everything is there.
 *
 *   node tools/setup.ts [test|demo|--all]
 */
import { ensurePrograms, type SystemProgramName, systemPrograms } from './install/packages.ts';
import type { Say } from './install/say.ts';
import { ensureTemporal } from './install/temporal.ts';
import { ensureTimeSkipping } from './install/time-skipping.ts';
import { ensureVersitygw } from './install/versitygw.ts';
import { onPath, postgresBinaries } from './lib/find.ts';

type Tool = 'temporal' | 'versitygw' | 'time-skipping' | SystemProgramName;

/** What each of the project's commands needs. */
export const sets = {
  demo: ['temporal', 'versitygw', ...systemPrograms],
  test: ['temporal', 'versitygw', 'time-skipping', ...systemPrograms],
} as const satisfies Record<string, readonly Tool[]>;

const say: Say = (line) => {
  console.error(`setup: ${line}`);
};

/**
 * The path of a tool that is there afterwards, whatever it takes: of its executable; of the directory of its
 * programs for `postgres`. Only `time-skipping` may be undefined: the Temporal SDK then downloads it by itself.
 * @throws Error that says what is missing and how to get it.
 */
export async function ensure(tool: 'time-skipping'): Promise<string | undefined>;
export async function ensure(tool: Exclude<Tool, 'time-skipping'>): Promise<string>;
export async function ensure(tool: Tool): Promise<string | undefined>;
export async function ensure(tool: Tool): Promise<string | undefined> {
  switch (tool) {
    case 'temporal':
      return await ensureTemporal(say);
    case 'versitygw':
      return await ensureVersitygw(say);
    case 'time-skipping':
      return await ensureTimeSkipping(say);
    case 'postgres':
      await ensurePrograms(['postgres'], say);
      return postgresBinaries() ?? '';
    default:
      await ensurePrograms([tool], say);
      return onPath(tool === 'redis' ? 'redis-server' : tool) ?? '';
  }
}

/**
 * Ensures several tools at once: downloads and builds run side by side.
 * @throws AggregateError with one error for each tool that could not be had.
 */
export async function ensureAll(tools: readonly Tool[]): Promise<void> {
  const isProgram = (tool: Tool): tool is SystemProgramName =>
    (systemPrograms as readonly Tool[]).includes(tool);
  const outcomes = await Promise.allSettled([
    ensurePrograms(tools.filter(isProgram), say),
    ...tools.filter((tool) => !isProgram(tool)).map(async (tool) => await ensure(tool)),
  ]);
  const errors = outcomes.flatMap((outcome) =>
    outcome.status === 'rejected' ? [outcome.reason as Error] : [],
  );
  if (errors.length > 0) {
    throw new AggregateError(errors, errors.map((error) => error.message).join('\n\n'));
  }
}

if (import.meta.main) {
  const wanted = (process.argv[2] ?? '--all').replace(/^--/, '');
  const named: Readonly<Record<string, readonly Tool[]>> = sets;
  const tools = wanted === 'all' ? [...new Set(Object.values(sets).flat())] : named[wanted];
  if (tools === undefined) {
    console.error('usage: node tools/setup.ts [test|demo|--all]');
    process.exit(2);
  }
  try {
    await ensureAll(tools);
  } catch (error) {
    console.error(`setup failed:\n${(error as Error).message}`);
    process.exitCode = 1;
  }
}
