/** What retention decides and what a restore chooses: pure, so asked of every combination that fast-check can think of. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { choose } from '../../src/activities/backups/choose.ts';
import { decideRetention } from '../../src/activities/backups/retention.ts';
import type { BackupSummary } from '../../src/activities/contract.ts';
import { backupIdAt } from './support.ts';

const now = new Date('2026-06-01T00:00:00Z');
const day = 86_400_000;

function backup(
  days: number,
  state: BackupSummary['state'],
  components = ['main', 'cache'],
  run = 'aaaaaaaa',
): BackupSummary {
  const at = new Date(now.getTime() - days * day);
  const id = backupIdAt(at, run);
  return {
    id,
    kind: 'daily',
    finishedAt: at.toISOString(),
    takenAt: at.toISOString(),
    bytes: 1,
    components,
    state,
    signed: false,
  };
}

const states = ['unverified', 'verified', 'proven', 'removing', 'unreadable'] as const;
const someBackups = fc
  .array(
    fc.record({
      days: fc.integer({ min: 0, max: 60 }),
      state: fc.constantFrom(...states),
      components: fc.subarray(['main', 'cache', 'extra'], { minLength: 1 }),
    }),
    { maxLength: 25 },
  )
  .map((list) =>
    list.map(({ days, state, components }, index) =>
      backup(days, state, components, index.toString(16).padStart(8, '0')),
    ),
  );
const somePolicy = fc.record({
  keepLast: fc.integer({ min: 1, max: 10 }),
  keepFor: fc.integer({ min: 0, max: 40 }).map((days) => `${days}d`),
});

describe('retention', () => {
  test('decides about each backup exactly once, whatever their order', () => {
    fc.assert(
      fc.property(someBackups, somePolicy, (backups, policy) => {
        const { remove, keep } = decideRetention(backups, policy, now);
        expect([...remove, ...keep.map(({ id }) => id)].sort()).toEqual(backups.map(({ id }) => id).sort());
        const turned = decideRetention(backups.toReversed(), policy, now);
        expect(turned.remove.toSorted()).toEqual(remove.toSorted());
      }),
    );
  });

  test('never removes what cannot be read, what is young, or one of the newest', () => {
    fc.assert(
      fc.property(someBackups, somePolicy, (backups, policy) => {
        const { remove } = decideRetention(backups, policy, now);
        const readable = backups.filter(({ state }) => state !== 'unreadable' && state !== 'removing');
        for (const gone of readable.filter(({ id }) => remove.includes(id))) {
          expect(now.getTime() - Date.parse(gone.takenAt)).toBeGreaterThan(
            Number.parseInt(policy.keepFor) * day,
          );
          const newerOrEqual = readable.filter(
            ({ takenAt, id }) => takenAt >= gone.takenAt && id !== gone.id,
          );
          expect(newerOrEqual.length).toBeGreaterThanOrEqual(policy.keepLast);
        }
        for (const { id, state } of backups) if (state === 'unreadable') expect(remove).not.toContain(id);
      }),
    );
  });

  test('always leaves a backup that is as good, as new and as complete as each one it removes', () => {
    fc.assert(
      fc.property(someBackups, somePolicy, (backups, policy) => {
        const { remove } = decideRetention(backups, policy, now);
        const readable = backups.filter(({ state }) => state !== 'unreadable' && state !== 'removing');
        const left = readable.filter(({ id }) => !remove.includes(id));
        for (const gone of readable.filter(({ id }) => remove.includes(id))) {
          const good = gone.state === 'proven' ? ['proven'] : ['verified', 'proven'];
          const stands = left.some(
            ({ state, takenAt, components }) =>
              good.includes(state) &&
              takenAt >= gone.takenAt &&
              gone.components.every((component) => components.includes(component)),
          );
          expect(stands).toBe(true);
        }
      }),
    );
  });

  test('always keeps the newest proven and the newest verified backup', () => {
    fc.assert(
      fc.property(someBackups, somePolicy, (backups, policy) => {
        const { remove } = decideRetention(backups, policy, now);
        for (const states of [['proven'], ['proven', 'verified']]) {
          const newest = backups
            .filter(({ state }) => states.includes(state))
            .toSorted((a, b) => b.takenAt.localeCompare(a.takenAt))[0];
          if (!newest) continue;
          const asNew = backups.filter(
            ({ state, takenAt }) => states.includes(state) && takenAt === newest.takenAt,
          );
          expect(asNew.some(({ id }) => !remove.includes(id))).toBe(true);
        }
      }),
    );
  });

  test('removes the old ones once a newer good one stands', () => {
    const backups = [
      backup(1, 'verified'),
      backup(40, 'proven'),
      backup(41, 'verified'),
      backup(50, 'proven'),
      backup(51, 'unverified'),
    ];
    const decided = decideRetention(backups, { keepLast: 1, keepFor: '30d' }, now);
    expect(decided.remove).toEqual([backups[2]?.id, backups[3]?.id, backups[4]?.id]);
    expect(decided.keep).toEqual([
      { id: backups[0]?.id, why: 'one of the newest 1' },
      { id: backups[1]?.id, why: 'no newer proven backup has main, cache' },
    ]);
  });

  test('does not let a backup of one store push out one of two', () => {
    const backups = [backup(1, 'proven', ['main']), backup(40, 'proven', ['main', 'cache'])];
    expect(decideRetention(backups, { keepLast: 1, keepFor: '30d' }, now).remove).toEqual([]);
  });
});

describe('the choice for a restore', () => {
  test('is the newest that was verified, proven or not, never one that nobody looked at', () => {
    fc.assert(
      fc.property(someBackups, fc.subarray(['main', 'cache', 'extra']), (backups, need) => {
        const fits = backups.filter(({ components }) => need.every((store) => components.includes(store)));
        const best = fits
          .filter(({ state }) => state === 'proven' || state === 'verified')
          .map(({ takenAt }) => takenAt)
          .sort()
          .at(-1);
        if (best === undefined) expect(() => choose(backups, null, need)).toThrow('No backup can be used');
        else expect(choose(backups, null, need).takenAt).toBe(best);
      }),
    );
  });

  test('by id takes even an unverified one, but none that is unreadable, being removed or without a store', () => {
    const [unverified, removing, half] = [
      backup(3, 'unverified'),
      backup(2, 'removing'),
      backup(1, 'proven', ['main']),
    ];
    const unreadable = { ...backup(4, 'unreadable'), why: 'manifest.json is not JSON' };
    const all = [unverified, removing, half, unreadable];
    expect(choose(all, unverified.id, ['main', 'cache'])).toBe(unverified);
    expect(() => choose(all, removing.id, [])).toThrow(
      `Backup ${removing.id} cannot be used: it is being removed`,
    );
    expect(() => choose(all, half.id, ['cache'])).toThrow('it has no cache');
    expect(() => choose(all, unreadable.id, [])).toThrow('manifest.json is not JSON');
    expect(() => choose(all, 'demo-manual-20200101T000000Z-00000000', [])).toThrow(
      'There is no backup demo-manual-2020',
    );
  });

  test('that fails says of each backup why it will not do', () => {
    const all = [
      backup(1, 'unverified'),
      { ...backup(2, 'unreadable'), why: 'its signature is missing' },
      backup(3, 'verified', ['cache']),
    ];
    expect(() => choose(all, null, ['main'])).toThrow(
      [
        'No backup can be used.',
        'There are:',
        `  ${all[0]?.id} (unverified): it was never verified`,
        `  ${all[1]?.id} (unreadable): its signature is missing`,
        `  ${all[2]?.id} (verified): it has no main`,
      ].join('\n'),
    );
  });
});
