import { afterAll, beforeAll, expect, test } from 'vitest';
import { WorkflowFailedError } from '@temporalio/client';
import { timeLab, type TimeLab } from '../support/time.ts';
import { smallSystem, world } from '../support/world.ts';

let lab: TimeLab;
beforeAll(async () => {
  lab = await timeLab();
});
afterAll(() => lab.stop());

const minutes = (from: string, to: string) => (Date.parse(to) - Date.parse(from)) / 60_000;

test('users get their five minutes, then everything stops in reverse order, the database after its backup', async () => {
  const place = world(smallSystem('notice-plain'));
  await lab.with(place, async (queue) => {
    const run = await queue.start('gracefulShutdown', { system: 'notice-plain', reason: 'kernel update' });
    const report = await queue.report(run);
    expect(report.outcome).toBe('completed');
    const notice = report.steps[0];
    expect(minutes(notice?.startedAt ?? '', notice?.endedAt ?? '')).toBeCloseTo(5, 1);
    expect(place.messages[0]?.message.text).toContain('kernel update');
    expect(place.deeds).toEqual([
      'close api',
      'stop web',
      'stop api',
      'dump main',
      'manifest',
      'verify',
      'stop database',
      'archive logs',
    ]);
    expect([...place.running]).toEqual([]);
  });
});

test('a notice can be extended and then cut short, by name and with a reason', async () => {
  const place = world(smallSystem('notice-extended'));
  await lab.with(place, async (queue) => {
    const run = await queue.start('gracefulShutdown', {
      system: 'notice-extended',
      reason: 'disk swap',
      notice: '5m',
    });
    const before = await queue.until(run, (view) => view.phase === 'notice');
    await run.executeUpdate('extendNotice', { args: [{ by: 'ana', for: '72h' }] });
    const after = await queue.progress(run);
    expect(minutes(before.notice?.until ?? '', after.notice?.until ?? '')).toBeCloseTo(72 * 60, 1);
    expect(place.deeds).toEqual([]);
    await expect(run.executeUpdate('skipNotice', { args: [{ by: 'ana' }] })).rejects.toThrow();
    await run.executeUpdate('skipNotice', { args: [{ by: 'ana', reason: 'users agreed' }] });
    const report = await queue.report(run);
    expect(report.timeline.map((entry) => entry.text).join('\n')).toMatch(
      /Extended by 72h by ana[^]*Cut short by ana: users agreed/,
    );
    expect(minutes(report.startedAt, report.endedAt)).toBeLessThan(60);
  });
});

test('a run aborted during its notice has touched nothing', async () => {
  const place = world(smallSystem('notice-aborted'));
  await lab.with(place, async (queue) => {
    const run = await queue.start('gracefulShutdown', { system: 'notice-aborted', reason: 'mistake' });
    await queue.until(run, (view) => view.phase === 'notice');
    await run.executeUpdate('abort', { args: [{ by: 'ana', reason: 'wrong system' }] });
    const failure = await queue.report(run).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(WorkflowFailedError);
    expect((failure as WorkflowFailedError).cause).toMatchObject({
      type: 'Aborted',
      message: 'Aborted by ana: wrong system',
    });
    expect(place.deeds).toEqual([]);
    expect(place.running.size).toBe(3);
  });
});

test('what a shutdown has done is undone in reverse when it is aborted half way; what was stopped before stays stopped', async () => {
  const place = world(smallSystem('notice-undone'));
  place.running.delete('web');
  place.broken.set('dump main', 'disk full');
  await lab.with(place, async (queue) => {
    const run = await queue.start('gracefulShutdown', {
      system: 'notice-undone',
      reason: 'maintenance',
      notice: '0s',
    });
    await queue.until(run, (view) => view.phase === 'parked');
    await run.executeUpdate('abort', { args: [{ by: 'ana', reason: 'no room for the backup' }] });
    await expect(queue.report(run)).rejects.toThrow();
    expect(place.deeds).toEqual(['close api', 'stop api', 'start api', 'open api']);
    expect([...place.running].sort()).toEqual(['api', 'database']);
  });
});
