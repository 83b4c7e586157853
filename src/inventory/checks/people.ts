/** People: channels that exist, levels in order, approvals that can be given. */
import { milliseconds } from '../duration.ts';
import { didYouMean, oneOf } from '../nearest.ts';
import type { Finding, Path } from '../problem.ts';
import type { System } from '../schema/system.ts';
import { show } from '../show.ts';

export function channelNames({ people }: System): Finding[] {
  const known = Object.keys(people.channels);
  const named = (path: Path, channels: readonly string[]): Finding[] =>
    channels.flatMap((channel, index): Finding[] => {
      if (known.includes(channel)) return [];
      const expected =
        known.length > 0 ? `a channel of people.channels: ${oneOf(known)}` : 'a channel; there is none';
      return [
        {
          path: [...path, index],
          at: 'value',
          found: show(channel),
          expected,
          ...didYouMean(channel, known),
        },
      ];
    });
  return [
    ...named(['people', 'notices'], people.notices),
    ...people.escalation.flatMap((level, index) =>
      named(['people', 'escalation', index, 'channels'], level.channels),
    ),
  ];
}

export function escalationOrder({ people }: System): Finding[] {
  return people.escalation.flatMap(({ after }, index): Finding[] => {
    const before = people.escalation[index - 1];
    if (!before || milliseconds(before.after) <= milliseconds(after)) return [];
    return [
      {
        path: ['people', 'escalation', index, 'after'],
        at: 'value',
        found: show(after),
        expected: `at least ${before.after}, as the level before`,
        hint: 'Levels stand in order; `after` counts from the beginning of the escalation.',
      },
    ];
  });
}

export function approvals({ people }: System): Finding[] {
  return Object.entries(people.approvals).flatMap(([runbook, { approvers, quorum }]): Finding[] => {
    const count = new Set(approvers).size;
    if (count === 0 || quorum <= count) return [];
    return [
      {
        path: ['people', 'approvals', runbook, 'quorum'],
        at: 'value',
        found: String(quorum),
        expected: `at most ${count}, the number of approvers`,
        hint: 'Nobody else counts, so this approval could never be given.',
      },
    ];
  });
}

export function selfApproval({ people }: System): Finding[] {
  return Object.entries(people.approvals)
    .filter(([, policy]) => policy.onTimeout === 'approve')
    .map(([runbook]) => ({
      path: ['people', 'approvals', runbook, 'onTimeout'],
      at: 'value' as const,
      found: 'approve',
      expected: 'reject',
      hint: 'When nobody answers, the destructive step goes ahead.',
    }));
}
