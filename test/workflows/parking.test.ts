import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TimelineEntry } from '../../src/workflows/contract.ts';
import { timeLab, type TimeLab } from '../support/time.ts';
import { smallSystem, world } from '../support/world.ts';

let lab: TimeLab;
beforeAll(async () => {
  lab = await timeLab();
});
afterAll(() => lab.stop());

const pages = (place: ReturnType<typeof world>) =>
  place.messages
    .filter(({ message }) => message.title.includes('needs a person'))
    .map(({ message }) => ({ who: message.recipients.join() }));

test('a failed step parks the same run; retried after the cause is gone it completes, with every effect once', async () => {
  const place = world(smallSystem('park-retry'));
  place.broken.set('manifest', 'bucket gone');
  await lab.with(place, async (queue) => {
    const run = await queue.start('fullBackup', { system: 'park-retry' });
    const parked = await queue.until(run, (view) => view.phase === 'parked');
    expect(parked.headline).toContain('Write the manifest');
    expect(parked.parked).toEqual(['2']);
    await expect(run.executeUpdate('retryStep', { args: [{ by: 'ana', step: '7' }] })).rejects.toThrow();
    place.broken.clear();
    await run.executeUpdate('retryStep', { args: [{ by: 'ana', step: '2' }] });
    const report = await queue.report(run);
    expect(report.outcome).toBe('completed');
    expect(place.deeds).toEqual(['dump main', 'manifest', 'verify', 'retention']);
  });
});

test('a step others need cannot be skipped; one that can is skipped with a reason, and the report says so', async () => {
  const place = world(smallSystem('park-skip'));
  place.broken.set('dump main', 'no');
  place.broken.set('retention', 'no');
  await lab.with(place, async (queue) => {
    const run = await queue.start('fullBackup', { system: 'park-skip' });
    await queue.until(run, (view) => view.phase === 'parked');
    await expect(run.executeUpdate('skipStep', { args: [{ by: 'ana', reason: 'try' }] })).rejects.toThrow();
    place.broken.delete('dump main');
    await run.executeUpdate('retryStep', { args: [{ by: 'ana' }] });
    await queue.until(run, (view) => view.parked.includes('4'));
    await expect(run.executeUpdate('skipStep', { args: [{ by: 'ana' }] })).rejects.toThrow();
    await run.executeUpdate('skipStep', { args: [{ by: 'ana', reason: 'tomorrow' }] });
    const report = await queue.report(run);
    expect(report.outcome).toBe('completed-with-skips');
    expect(report.steps.find((step) => step.title === 'Apply retention')).toMatchObject({
      state: 'skipped',
      note: 'skipped by ana: tomorrow',
    });
  });
});

test('while a step is parked level after level is paged, at 0, 15 and 60 minutes', async () => {
  const place = world(smallSystem('park-levels'));
  place.broken.set('manifest', 'bucket gone');
  await lab.with(place, async (queue) => {
    const run = await queue.start('fullBackup', { system: 'park-levels' });
    await queue.until(run, (view) => view.phase === 'parked');
    await lab.environment.sleep('3h');
    expect(pages(place).map(({ who }) => who)).toEqual(['first', 'second', 'third']);
    const timeline = await run.query<TimelineEntry[]>('timeline');
    const [first = 0, ...later] = timeline
      .filter(({ kind }) => kind === 'page')
      .map(({ at }) => Date.parse(at) / 60_000);
    expect(later.map((at) => Math.round(at - first))).toEqual([15, 60]);
    await run.executeUpdate('abort', { args: [{ by: 'ana', reason: 'enough' }] });
    await expect(queue.report(run)).rejects.toThrow();
  });
});

test('an acknowledgement stops the paging at once; the step still waits', async () => {
  const place = world(smallSystem('park-ack'));
  place.broken.set('manifest', 'bucket gone');
  await lab.with(place, async (queue) => {
    const run = await queue.start('fullBackup', { system: 'park-ack' });
    await queue.until(run, (view) => view.phase === 'parked' && view.escalation?.level === 1);
    await run.executeUpdate('acknowledge', { args: [{ by: 'first' }] });
    await lab.environment.sleep('24h');
    expect(pages(place).map(({ who }) => who)).toEqual(['first']);
    const view = await queue.progress(run);
    expect(view).toMatchObject({ phase: 'parked', escalation: { acknowledgedBy: 'first' } });
    await run.executeUpdate('abort', { args: [{ by: 'ana', reason: 'enough' }] });
    await expect(queue.report(run)).rejects.toThrow();
  });
});

test('a database recovery that fails pages up to level 3 at once', async () => {
  const place = world(smallSystem('park-level3'));
  place.activities.classifyDamage = async () => ({
    verdict: 'heap',
    findings: [{ relation: 'public.orders', kind: 'heap', message: 'invalid page' }],
    indexes: [],
    checkedRelations: 3,
    checksums: true,
    gaps: [],
    tookMs: 1,
  });
  place.broken.set('restore main', 'pg_restore failed');
  await lab.with(place, async (queue) => {
    const run = await queue.start('recoverDatabase', { system: 'park-level3' });
    await queue.until(run, (view) => view.phase === 'parked' && view.escalation?.level === 3);
    expect(pages(place).map(({ who }) => who)).toEqual(['first', 'second', 'third']);
    await run.executeUpdate('abort', { args: [{ by: 'ana', reason: 'stop here' }] });
    await expect(queue.report(run)).rejects.toThrow();
    // The applications run again, the damaged database was never replaced.
    expect([...place.running].sort()).toEqual(['api', 'database', 'web']);
    expect(place.deeds).not.toContain('swap main');
  });
});
