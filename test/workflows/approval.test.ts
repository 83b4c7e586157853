import { afterAll, beforeAll, expect, test } from 'vitest';
import { timeLab, type Queue, type TimeLab } from '../support/time.ts';
import { smallSystem, world, type World } from '../support/world.ts';

let lab: TimeLab;
beforeAll(async () => {
  lab = await timeLab();
});
afterAll(() => lab.stop());

function guarded(name: string, policy: Record<string, unknown>): World {
  const system = smallSystem(name);
  return world(smallSystem(name, { people: { ...system.people, approvals: { 'restore-backup': policy } } }));
}

const waiting = (queue: Queue, system: string) => async () => {
  const run = await queue.start('restoreBackup', { system, requestedBy: 'rita' });
  const view = await queue.until(run, (seen) => seen.phase === 'waiting-approval');
  return { run, approval: view.approval };
};

test('the approver sees the exact commands; two of the named people are needed, not the requester, each counted once', async () => {
  const place = guarded('approve-quorum', { approvers: ['ana', 'bob', 'rita'], quorum: 2 });
  await lab.with(place, async (queue) => {
    const { run, approval } = await waiting(queue, 'approve-quorum')();
    expect(approval?.plan).toEqual(['restore main', 'swap main']);
    expect(place.deeds).toEqual(['lease']);
    const approve = (by: string, digest?: string) => run.executeUpdate('approve', { args: [{ by, digest }] });
    await expect(approve('rita')).rejects.toThrow();
    await expect(approve('mallory')).rejects.toThrow();
    await expect(approve('ana', 'another plan')).rejects.toThrow();
    await approve('ana', approval?.digest);
    await approve('ana', approval?.digest);
    expect((await queue.progress(run)).approval?.approvedBy).toEqual(['ana']);
    expect(place.deeds).toEqual(['lease']);
    await run.signal('approve', { by: 'mallory' });
    await run.signal('approve', { by: 'bob' });
    const report = await queue.report(run);
    expect(report.outcome).toBe('completed');
    expect(place.deeds.filter((deed) => deed === 'swap main')).toHaveLength(1);
  });
});

test('nobody answers: after the declared time the declared outcome happens', async () => {
  const place = guarded('approve-timeout', { approvers: ['ana'], within: '30m' });
  await lab.with(place, async (queue) => {
    const run = await queue.start('restoreBackup', { system: 'approve-timeout', requestedBy: 'rita' });
    await expect(queue.report(run)).rejects.toMatchObject({ cause: { type: 'Rejected' } });
    expect(place.deeds).toEqual(['lease', 'release']);
  });
  const willing = guarded('approve-default', { approvers: ['ana'], within: '72h', onTimeout: 'approve' });
  await lab.with(willing, async (queue) => {
    const run = await queue.start('restoreBackup', { system: 'approve-default', requestedBy: 'rita' });
    const report = await queue.report(run);
    expect(report.outcome).toBe('completed');
    expect(report.tookMs).toBeGreaterThanOrEqual(72 * 3_600_000);
  });
});

test('a rejection ends the run with its reason; nothing was replaced', async () => {
  const place = guarded('approve-reject', { approvers: ['ana'] });
  await lab.with(place, async (queue) => {
    const { run } = await waiting(queue, 'approve-reject')();
    await run.executeUpdate('reject', { args: [{ by: 'ana', reason: 'wrong backup' }] });
    await expect(queue.report(run)).rejects.toMatchObject({
      cause: { message: expect.stringContaining('wrong backup') as string },
    });
    expect(place.deeds).toEqual(['lease', 'release']);
  });
});

test('a dry run asks nobody, changes nothing and lists every command', async () => {
  const place = guarded('approve-plan', { approvers: ['ana'] });
  await lab.with(place, async (queue) => {
    const run = await queue.start('restoreBackup', { system: 'approve-plan', dryRun: true });
    const report = await queue.report(run);
    expect(report.outcome).toBe('planned');
    expect(place.deeds).toEqual([]);
    expect(report.plan?.commands.map((line) => line.command)).toContain('swap main');
    expect(report.plan?.commands.map((line) => line.command)).toContain('stop web');
  });
});

test('too few may approve, since the requester is one of them: refused at once, not after hours of waiting', async () => {
  const place = guarded('approve-impossible', { approvers: ['ana', 'rita'], quorum: 2, within: '72h' });
  await lab.with(place, async (queue) => {
    const run = await queue.start('restoreBackup', { system: 'approve-impossible', requestedBy: 'Rita' });
    await expect(queue.report(run)).rejects.toMatchObject({
      cause: {
        type: 'Rejected',
        message: expect.stringMatching(/needs 2 approvals, and only ana/) as string,
      },
    });
    const asked = (await queue.progress(run)).steps.find(({ title }) => title.startsWith('Approval'));
    expect(asked?.state).toBe('failed');
    const { closeTime, startTime } = await run.describe();
    expect((closeTime?.getTime() ?? Infinity) - startTime.getTime()).toBeLessThan(3_600_000);
    expect(place.deeds).toEqual(['lease', 'release']);
  });
});
