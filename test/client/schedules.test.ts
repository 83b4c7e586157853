/** Schedules: what is to be done is worked out without a server; then done on a real one. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { loadRunbooks } from '../../src/client/runbooks.ts';
import {
  type ExistingSchedule,
  scheduleChanges,
  type ScheduleFacts,
  type WantedSchedule,
  wantedSchedules,
} from '../../src/client/schedules.ts';
import { parseSystem } from '../../src/inventory/index.ts';
import { connectClient, type TemporalClient } from '../../src/temporal/connection.ts';
import { sharedServers, waitUntil } from '../support/servers.ts';
import { command, inventories, inventoryText, uniqueName } from './support.ts';

const facts: ScheduleFacts = {
  runbook: 'full-backup',
  workflowType: 'fullBackup',
  cron: '30 2 * * *',
  timeZone: 'UTC',
  paused: false,
  catchUpMs: 3_600_000,
  input: { system: 'shop', kind: 'daily' },
  taskQueue: 'runbooks',
};
const wanted = (changed: Partial<ScheduleFacts> = {}): WantedSchedule => ({
  id: 'runbook/shop/nightly',
  system: 'shop',
  name: 'nightly',
  facts: { ...facts, ...changed },
});
const there = (changed: Partial<ExistingSchedule> = {}): ExistingSchedule => ({
  id: 'runbook/shop/nightly',
  ours: true,
  facts,
  paused: false,
  ...changed,
});
const shop = new Set(['shop']);

describe('what is to be done', () => {
  test('nothing, when all is as wanted', () => {
    expect(scheduleChanges([wanted()], [there()], shop)).toEqual([
      { kind: 'unchanged', id: 'runbook/shop/nightly' },
    ]);
  });

  test('an update names every difference', () => {
    const [change] = scheduleChanges(
      [wanted({ cron: '0 3 * * *', input: { system: 'shop', kind: 'weekly' } })],
      [there()],
      shop,
    );
    expect(change).toMatchObject({
      kind: 'update',
      differences: [
        'cron: 30 2 * * * -> 0 3 * * *',
        'input: {"system":"shop","kind":"daily"} -> {"system":"shop","kind":"weekly"}',
      ],
    });
  });

  test('a schedule paused by hand stays paused, even when something else is changed', () => {
    expect(scheduleChanges([wanted()], [there({ paused: true })], shop)[0]).toMatchObject({
      kind: 'unchanged',
      note: 'paused by hand: left so',
    });
    expect(
      scheduleChanges([wanted({ cron: '0 3 * * *' })], [there({ paused: true })], shop)[0],
    ).toMatchObject({ kind: 'update', paused: true });
  });

  test('the inventory decides again when it changes its own mind', () => {
    const before = there({ paused: true, facts: { ...facts, paused: true } });
    expect(scheduleChanges([wanted()], [before], shop)[0]).toMatchObject({ kind: 'update', paused: false });
  });

  test('one that is not ours is never touched, not even under our id', () => {
    expect(scheduleChanges([wanted()], [there({ ours: false, facts: undefined })], shop)[0]?.kind).toBe(
      'left-alone',
    );
    expect(scheduleChanges([], [there({ ours: false, facts: undefined })], shop)).toEqual([]);
  });

  test('removed from the inventory: deleted; a system without inventory here: only with prune', () => {
    expect(scheduleChanges([], [there()], shop)).toEqual([{ kind: 'delete', id: 'runbook/shop/nightly' }]);
    expect(scheduleChanges([], [there()], new Set())[0]?.kind).toBe('left-alone');
    expect(scheduleChanges([], [there()], new Set(), true)).toEqual([
      { kind: 'delete', id: 'runbook/shop/nightly' },
    ]);
  });
});

test('an unknown runbook and a wrong input are named with their schedule', async () => {
  const text = inventoryText(
    'shop',
    "schedules:\n  a: { runbook: full-bakup, cron: '30 2 * * *' }\n  b: { runbook: full-backup, cron: '30 2 * * *', input: { kind: hourly } }\n",
  );
  const { system } = parseSystem(text, 'shop.yaml');
  const { wanted: good, problems } = wantedSchedules(
    system ? [system] : [],
    await loadRunbooks(),
    'runbooks',
  );
  expect(good).toEqual([]);
  expect(problems[0]).toMatch(/shop: schedules\.a: .*full-bakup.*Did you mean full-backup/);
  expect(problems[1]).toMatch(/shop: schedules\.b: .*kind/s);
});

describe('on a real server', () => {
  const name = uniqueName('planned');
  const foreign = `runbook/${name}/foreign`;
  let temporal: TemporalClient;
  let directory: string;
  let env: Record<string, string>;
  const write = async (schedules: string) =>
    await writeFile(path.join(directory, `${name}.yaml`), inventoryText(name, schedules));
  const ids = async () => {
    const found: string[] = [];
    for await (const { scheduleId } of temporal.client.schedule.list())
      if (scheduleId.includes(name)) found.push(scheduleId);
    return found.sort();
  };
  const apply = async (...more: string[]) => await command(['schedules', 'apply', ...more], env);

  beforeAll(async () => {
    const { address } = sharedServers().temporal;
    temporal = await connectClient({ address });
    directory = await inventories({ [name]: inventoryText(name) });
    env = { TEMPORAL_ADDRESS: address, RUNBOOK_SYSTEMS: directory };
    await temporal.client.schedule.create({
      scheduleId: foreign,
      spec: { cronExpressions: ['0 0 1 1 *'] },
      action: { type: 'startWorkflow', workflowType: 'other', taskQueue: 'other', args: [] },
    });
  });
  afterAll(async () => {
    for (const id of await ids()) await temporal.client.schedule.getHandle(id).delete();
    await temporal.connection.close();
  });

  test('create, nothing to do, update, delete; a foreign one stays as it is', async () => {
    await write(
      "schedules:\n  nightly: { runbook: full-backup, cron: '30 2 * * *', timeZone: Europe/Berlin, input: { kind: daily }, catchUp: 2h }\n  drill: { runbook: restore-drill, cron: '0 4 * * sun', paused: true }\n",
    );
    const dry = await apply('--dry-run');
    expect(dry.stdout).toContain(`+ runbook/${name}/nightly`);
    expect(await ids()).toEqual([foreign]);

    const first = await apply();
    expect(first.stdout).toContain('2 changed.');
    expect(first.code).toBe(0);
    const nightly = temporal.client.schedule.getHandle(`runbook/${name}/nightly`);
    const made = await nightly.describe();
    expect(made.spec.timezone).toBe('Europe/Berlin');
    expect(made.spec.calendars?.[0]).toMatchObject({ hour: [{ start: 2 }], minute: [{ start: 30 }] });
    expect(made.policies).toMatchObject({ overlap: 'SKIP', catchupWindow: 7_200_000 });
    expect(made.action).toMatchObject({
      workflowType: 'fullBackup',
      taskQueue: 'runbooks',
      workflowId: `full-backup/${name}/nightly`,
      args: [{ system: name, kind: 'daily', requestedBy: 'schedule nightly' }],
    });
    expect((await temporal.client.schedule.getHandle(`runbook/${name}/drill`).describe()).state.paused).toBe(
      true,
    );
    await waitUntil(async () => (await ids()).length === 3, { what: 'the list to know them' });

    const second = await apply();
    expect(second.stdout).toContain('Nothing to do.');
    const asJson = JSON.parse((await apply('--json')).stdout) as unknown;
    expect(asJson).toEqual([
      { kind: 'unchanged', id: `runbook/${name}/drill`, made: false },
      { kind: 'unchanged', id: `runbook/${name}/nightly`, made: false },
    ]);

    await write(
      "schedules:\n  nightly: { runbook: full-backup, cron: '15 3 * * *', timeZone: Europe/Berlin, input: { kind: daily }, catchUp: 2h }\n",
    );
    const third = await apply();
    expect(third.stdout).toContain('cron: 30 2 * * * -> 15 3 * * *');
    expect(third.stdout).toContain(`- runbook/${name}/drill`);
    expect((await nightly.describe()).spec.calendars?.[0]).toMatchObject({
      hour: [{ start: 3 }],
      minute: [{ start: 15 }],
    });
    await waitUntil(async () => (await ids()).length === 2, { what: 'the list to forget the deleted one' });
    expect(await ids()).toEqual([foreign, `runbook/${name}/nightly`]);
    expect((await temporal.client.schedule.getHandle(foreign).describe()).action.workflowType).toBe('other');

    const listed = await command(['schedules', 'list'], env);
    expect(listed.stdout).toMatch(
      new RegExp(`runbook/${name}/nightly\\s+full-backup\\s+15 3 \\* \\* \\*\\s+Europe/Berlin\\s+next `),
    );
    expect(listed.stdout).not.toContain(foreign);
  });

  test('a started schedule is a run like any other', async () => {
    await temporal.client.schedule.getHandle(`runbook/${name}/nightly`).trigger();
    const run = await waitUntil(
      async () => {
        for await (const info of temporal.client.workflow.list({ query: `RunbookSystem = '${name}'` }))
          return info;
        return undefined;
      },
      { what: 'the run' },
    );
    expect(run.workflowId).toMatch(new RegExp(`^full-backup/${name}/nightly-\\d{4}-`));
    await temporal.client.workflow.getHandle(run.workflowId).terminate();
  });

  test('an inventory with a mistake changes nothing: its schedules would look removed', async () => {
    await writeFile(path.join(directory, 'broken.yaml'), 'name: [');
    const { code, stderr } = await apply();
    expect(stderr).toContain('Nothing was changed');
    expect(code).toBe(2);
    expect(await ids()).toContain(`runbook/${name}/nightly`);
  });
});
