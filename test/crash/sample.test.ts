/**
 * A seeded sample of the crash matrix: a few kill points of every runbook, other ones with another seed
 * (`RUNBOOK_CRASH_SEED`). All of them: `npm run crash`.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Matrix, openMatrix } from './matrix.ts';
import { scenarios } from './scenarios.ts';

const seed = Number(process.env['RUNBOOK_CRASH_SEED'] ?? '1');
const sample = 2;
let matrix: Matrix;

beforeAll(async () => {
  matrix = await openMatrix(2);
});
afterAll(() => matrix.stop());

/** What each scenario carries, of docs/procedures.yaml; the titles say it, so that the table of coverage is made from them. */
describe('killed with SIGKILL and gone on by another worker, a run leaves what an unharmed one leaves', () => {
  const check = (name: string) => async () => {
    const scenario = scenarios.filter((one) => one.name === name);
    const results = await matrix.run({ scenarios: scenario, sample, seed });
    expect(results).toHaveLength(sample);
    for (const { point, ran, differences } of results) {
      expect({ point, ran, differences }).toEqual({ point, ran: true, differences: [] });
    }
  };
  it('a full backup [J13]', check('full-backup'));
  it('a recovery of damaged rows [J9]', check('recover-database-heap'));
  it('a recovery of a damaged index [J9]', check('recover-database-index'));
  it('a restore [J14]', check('restore-backup'));
  it('a shutdown [J4]', check('graceful-shutdown'));
  it('a start [J1]', check('start-system'));
});
