/** What a run must withstand from the people who steer it: odd input, words that come too late, a second failure, a failed undo. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { WorkflowFailedError, WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type { StepView } from '../../src/workflows/contract.ts';
import { timeLab, type Queue, type TimeLab } from '../support/time.ts';
import { smallSystem, world, type World } from '../support/world.ts';

let lab: TimeLab;
beforeAll(async () => {
  lab = await timeLab();
});
afterAll(() => lab.stop());

const failureOf = async (queue: Queue, run: WorkflowHandle): Promise<ApplicationFailure> =>
  (await queue
    .report(run)
    .catch((error: unknown) => (error as WorkflowFailedError).cause)) as ApplicationFailure;

const abort = (run: WorkflowHandle) =>
  run.executeUpdate('abort', { args: [{ by: 'ana', reason: 'enough' }] });

const pagesTo = (place: World) =>
  place.messages.flatMap(({ message }) => message.recipients.map((who) => `${who}: ${message.title}`));

const guarded = (name: string, policy: Record<string, unknown>) => {
  const { people } = smallSystem(name);
  return world(smallSystem(name, { people: { ...people, approvals: { 'restore-backup': policy } } }));
};

function gate(): { opened: Promise<void>; open: () => void } {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

test.each([
  ['startSystem', { only: ['constructor'] }],
  ['startSystem', { only: ['toString'] }],
  ['restoreBackup', { stores: ['constructor'] }],
  ['gracefulShutdown', { reason: 'why', notice: '9999999999999999999d' }],
])('%s refuses %j at once, and pages nobody for it', async (type, input) => {
  const place = world(smallSystem('steer-odd'));
  await lab.with(place, async (queue) => {
    const run = await queue.start(type, { system: 'steer-odd', ...input });
    expect((await failureOf(queue, run)).type).toBe('InvalidInput');
    expect(place.deeds).toEqual([]);
    expect(pagesTo(place)).toEqual([]);
  });
});

test('a notice cannot be extended beyond what a calendar holds', async () => {
  const place = world(smallSystem('steer-long'));
  await lab.with(place, async (queue) => {
    const run = await queue.start('gracefulShutdown', { system: 'steer-long', reason: 'why' });
    await queue.until(run, (view) => view.phase === 'notice');
    const longer = (length: string) =>
      run.executeUpdate('extendNotice', { args: [{ by: 'ana', for: length }] });
    await expect(longer('9999999999999999999d')).rejects.toThrow();
    await longer('72h');
    await abort(run);
    await failureOf(queue, run);
  });
});

test('a store that is named twice is restored and swapped once', async () => {
  const place = world(smallSystem('steer-twice'));
  await lab.with(place, async (queue) => {
    const run = await queue.start('restoreBackup', { system: 'steer-twice', stores: ['main', 'main'] });
    expect((await queue.report(run)).outcome).toBe('completed');
    expect(place.deeds.filter((deed) => deed.endsWith(' main'))).toEqual(['restore main', 'swap main']);
  });
});

test('somebody who says no is no emergency: the channels hear of it, nobody is paged', async () => {
  const place = guarded('steer-no', { approvers: ['ana'] });
  await lab.with(place, async (queue) => {
    const run = await queue.start('restoreBackup', { system: 'steer-no', requestedBy: 'rita' });
    await queue.until(run, (view) => view.phase === 'waiting-approval');
    await run.executeUpdate('reject', { args: [{ by: 'ana', reason: 'not now' }] });
    await failureOf(queue, run);
    expect(pagesTo(place).filter((page) => !page.includes('Approval needed'))).toEqual([]);
    expect(place.messages.at(-1)?.message.text).toContain('not now');
  });
});

test('who asked may not approve, however the name is spelt; one person counts once', async () => {
  const place = guarded('steer-names', { quorum: 2 });
  await lab.with(place, async (queue) => {
    const run = await queue.start('restoreBackup', { system: 'steer-names', requestedBy: 'Rita' });
    await queue.until(run, (view) => view.phase === 'waiting-approval');
    const approve = (by: string) => run.executeUpdate('approve', { args: [{ by }] });
    await expect(approve('rita')).rejects.toThrow();
    await approve('ana');
    await approve('Ana');
    expect((await queue.progress(run)).approval?.approvedBy).toEqual(['ana']);
    await abort(run);
    await failureOf(queue, run);
  });
});

test('an approval ends when it said it would, even when telling people took a while', async () => {
  const place = guarded('steer-deadline', { approvers: ['ana'], within: '10s' });
  place.activities.sendMessage = async () => {
    throw ApplicationFailure.create({ message: 'no channel answers', type: 'Unreachable' });
  };
  await lab.with(place, async (queue) => {
    const run = await queue.start('restoreBackup', { system: 'steer-deadline', requestedBy: 'rita' });
    const failure = await failureOf(queue, run);
    const [{ steps }] = failure.details as [{ steps: StepView[] }];
    const step = steps.find(({ title }) => title.startsWith('Approval'));
    const took = Date.parse(step?.endedAt ?? '') - Date.parse(step?.startedAt ?? '');
    // The attempts to tell alone take 3.5 s.
    expect(took / 10_000).toBeCloseTo(1, 0);
    expect(took).toBeLessThan(12_000);
  });
});

test('what could not be undone is said in the outcome, and paged', async () => {
  const place = world(smallSystem('steer-undo'));
  place.broken.set('dump main', 'disk full');
  place.broken.set('start api', 'port taken');
  await lab.with(place, async (queue) => {
    const run = await queue.start('gracefulShutdown', { system: 'steer-undo', reason: 'why', notice: '0s' });
    await queue.until(run, (view) => view.phase === 'parked' && view.escalation?.level === 1);
    const before = pagesTo(place).length;
    await abort(run);
    const failure = await failureOf(queue, run);
    expect(failure.type).toBe('Aborted');
    expect(failure.message).toMatch(/^Aborted by ana: enough[^]*not undone[^]*Stop api[^]*port taken/i);
    expect(pagesTo(place).length).toBeGreaterThan(before);
    // The rest of the way back was still gone.
    expect(place.deeds.slice(-2)).toEqual(['start web', 'open api']);
    const [{ steps }] = failure.details as [{ steps: StepView[] }];
    expect(steps.find(({ title }) => title.startsWith('Back up'))?.state).toBe('cancelled');
  });
});

test('a failure after the acknowledgement of another pages again, and the headline names what still waits', async () => {
  const service = (command: string) => ({
    platform: { type: 'process', command: [command], logFile: `/var/log/${command}.log` },
    health: { http: { url: 'http://127.0.0.1:1/' } },
  });
  const services = { one: service('one'), two: service('two') };
  const place = world(smallSystem('steer-second', { services, stores: {}, backup: undefined }));
  place.running.clear();
  const { opened, open } = gate();
  const real = { ...place.activities };
  place.activities.startService = async (request, call) => {
    if (request.service === 'two') await opened;
    return real.startService(request, call);
  };
  place.broken.set('start one', 'no memory');
  place.broken.set('start two', 'no licence');
  await lab.with(place, async (queue) => {
    const run = await queue.start('startSystem', { system: 'steer-second' });
    await queue.until(run, (view) => view.phase === 'parked' && view.escalation?.level === 1);
    await run.executeUpdate('acknowledge', { args: [{ by: 'first' }] });
    open();
    const both = await queue.until(run, (view) => view.parked.length === 2 && view.escalation?.level === 1);
    expect(both.escalation).toMatchObject({ reason: expect.stringContaining('no licence') as string });
    expect(both.escalation?.acknowledgedBy).toBeUndefined();
    place.broken.clear();
    const [one, two] = both.parked;
    await run.executeUpdate('retryStep', { args: [{ by: 'ana', step: two }] });
    const left = await queue.until(run, (view) => view.parked.length === 1);
    expect(left.phase).toBe('parked');
    expect(left.headline).toContain(`Step ${one} `);
    await run.executeUpdate('retryStep', { args: [{ by: 'ana', step: one }] });
    expect((await queue.report(run)).outcome).toBe('completed');
  });
});

test('an abort that is accepted is an abort, even when only a last message was left to send', async () => {
  const place = world(smallSystem('steer-last'));
  place.activities.classifyDamage = async () => ({
    verdict: 'index',
    findings: [],
    indexes: ['i'],
    checkedRelations: 1,
    checksums: true,
    gaps: [],
    tookMs: 1,
  });
  const { opened, open } = gate();
  let asked = false;
  const real = { ...place.activities };
  place.activities.sendMessage = async (request) => {
    if (request.message.key.endsWith('/recovered')) {
      asked = true;
      await opened;
    }
    return real.sendMessage(request);
  };
  await lab.with(place, async (queue) => {
    const run = await queue.start('recoverDatabase', { system: 'steer-last' });
    await expect.poll(() => asked, { timeout: 20_000 }).toBe(true);
    await abort(run);
    open();
    expect((await failureOf(queue, run)).type).toBe('Aborted');
  });
});

test('an abort that comes when the run is ending already is refused, and changes nothing about how it ended', async () => {
  const place = world(smallSystem('steer-late'));
  place.broken.set('verify', 'bucket gone');
  const { opened, open } = gate();
  let asked = false;
  place.activities.sendMessage = async () => {
    asked = true;
    await opened;
    return [];
  };
  await lab.with(place, async (queue) => {
    const run = await queue.start('verifyBackup', { system: 'steer-late' });
    await expect.poll(() => asked, { timeout: 20_000 }).toBe(true);
    await expect(abort(run)).rejects.toThrow();
    open();
    expect(await failureOf(queue, run)).toMatchObject({ type: 'CommandFailed' });
  });
});

test('a run that waits for its turn for days keeps its history short, and gets its turn', async () => {
  const place = world(smallSystem('steer-queue'));
  await lab.with(place, async (queue) => {
    const input = { system: 'steer-queue', requestedBy: 'rita' };
    const holder = await queue.start('gracefulShutdown', { ...input, reason: 'why', notice: '5h' });
    await queue.until(holder, (view) => view.phase === 'notice');
    const queued = await queue.start('fullBackup', { ...input, whenBusy: 'queue' });
    const { runId } = await queued.describe();
    const report = await queue.report(queued);
    expect(report.outcome).toBe('completed');
    expect(report.timeline[0]?.text).toContain('asked for by rita');
    const first = lab.environment.client.workflow.getHandle(queued.workflowId, runId);
    expect((await first.describe()).status.name).toBe('CONTINUED_AS_NEW');
    await queue.report(holder);
  });
});
