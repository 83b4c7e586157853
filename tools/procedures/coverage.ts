/** Procedures, the runbooks that carry them, and the tests that show it, put together. */
import { allRunbooks } from '../../src/workflows/catalogue.ts';
import { type Procedure, procedures } from './list.ts';
import { type TaggedTest, taggedTests, usesRealParts } from './tags.ts';

/**
 * - `carried`: a runbook does it, and a test runs that on real parts, on the inventories named in `runsOn`;
 * - `untested`: a runbook says it does, and no such test exists;
 * - `not yet`: nothing does.
 */
export type State = 'carried' | 'untested' | 'not yet';

export interface Covered extends Procedure {
  /** Runbooks that say they carry it. */
  runbooks: string[];
  tests: TaggedTest[];
  /**
   * The systems whose inventories the tests use. A procedure is covered only when its own system's is among them: those
   * inventories are not part of this version, so none is.
   */
  runsOn: string[];
  state: State;
}

/** @throws Error when a runbook or a test names an id that does not exist. */
export async function coverage(): Promise<Covered[]> {
  const [all, tagged] = await Promise.all([procedures(), taggedTests()]);
  const known = new Set(all.map(({ id }) => id));
  const named = [
    ...allRunbooks.map(({ name, covers }) => ({ where: `the runbook ${name}`, ids: covers })),
    ...tagged.map(({ file, title, ids }) => ({ where: `${file} "${title}"`, ids })),
  ];
  for (const { where, ids } of named) {
    const wrong = ids.filter((id) => !known.has(id));
    if (wrong.length > 0) throw new Error(`${where} names ${wrong.join(', ')}, not in docs/procedures.yaml`);
  }
  return all.map((procedure) => {
    const runbooks = allRunbooks
      .filter(({ covers }) => covers.includes(procedure.id))
      .map(({ name }) => name);
    const tests = tagged.filter(({ file, ids }) => usesRealParts(file) && ids.includes(procedure.id));
    const state = tests.length > 0 ? 'carried' : runbooks.length > 0 ? 'untested' : 'not yet';
    return { ...procedure, runbooks, tests, runsOn: tests.length > 0 ? ['demo'] : [], state };
  });
}

export function stateText({ state, runsOn }: Pick<Covered, 'state' | 'runsOn'>): string {
  if (state === 'carried') return `carried (${runsOn.join(', ')} system)`;
  return state === 'untested' ? 'a runbook, without a test on real parts' : 'not yet';
}
