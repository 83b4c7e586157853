import { afterAll, beforeAll, expect, test } from 'vitest';
import fc from 'fast-check';
import { WorkflowFailedError } from '@temporalio/client';
import type { ApplicationFailure } from '@temporalio/common';
import { timeLab, type Queue, type TimeLab } from '../support/time.ts';
import { smallSystem, world } from '../support/world.ts';

let lab: TimeLab;
beforeAll(async () => {
  lab = await timeLab();
});
afterAll(() => lab.stop());

async function refusal(queue: Queue, type: string, input: unknown): Promise<ApplicationFailure> {
  const run = await queue.start(type, input);
  const failure = await queue.report(run).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(WorkflowFailedError);
  return (failure as WorkflowFailedError).cause as ApplicationFailure;
}

const hostile: [string, unknown][] = [
  ['a number', 7],
  ['nothing', null],
  ['a list', []],
  ['no system', {}],
  ['an unknown system', { system: 'nowhere' }],
  ['an unknown field', { system: 'door', sytem: 'door' }],
  ['a wrong type', { system: 'door', dryRun: 'yes' }],
  ['a shell', { system: 'door; rm -rf /' }],
  ['a substitution', { system: '$(reboot)' }],
  ['a line break', { system: 'door\nother' }],
  ['a NUL', { system: 'door\u0000' }],
  ['an option', { system: '-h' }],
  ['a way up', { system: '../door' }],
  ['a megabyte', { system: 'x'.repeat(1_000_000) }],
  ['right-to-left text', { system: 'door', requestedBy: 'ana\u202Efdp' }],
];

test.each(hostile)(
  '%s is refused at once, in one short sentence, and nothing is started',
  async (_, input) => {
    const place = world(smallSystem('door'));
    await lab.with(place, async (queue) => {
      const cause = await refusal(queue, 'fullBackup', input);
      expect(cause.type).toBe('InvalidInput');
      expect(cause.nonRetryable).toBe(true);
      expect(cause.message.length).toBeLessThan(600);
      expect(cause.message).not.toContain('\u0000');
      expect(place.deeds).toEqual([]);
    });
  },
);

test('an unknown runbook is refused by name instead of being retried for ever', async () => {
  await lab.with(world(smallSystem('door')), async (queue) => {
    const cause = await refusal(queue, 'dropEverything', { system: 'door' });
    expect(cause.type).toBe('InvalidInput');
    expect(cause.message).toContain('dropEverything');
    expect(cause.message).toContain('fullBackup');
  });
});

test('whatever JSON is given, the run either ends well or is refused as InvalidInput', async () => {
  const place = world(smallSystem('door'));
  await lab.with(place, async (queue) => {
    await fc.assert(
      fc.asyncProperty(
        fc.record(
          {
            system: fc.oneof(fc.constant('door'), fc.jsonValue()),
            kind: fc.oneof(fc.constant('daily'), fc.jsonValue()),
            dryRun: fc.oneof(fc.boolean(), fc.jsonValue()),
            [`x${'y'.repeat(3)}`]: fc.jsonValue(),
          },
          { requiredKeys: [] },
        ),
        async (input) => {
          const run = await queue.start('fullBackup', input);
          const ended = await queue.report(run).then(
            () => 'completed',
            (error: unknown) => ((error as WorkflowFailedError).cause as ApplicationFailure).type,
          );
          expect(['completed', 'InvalidInput']).toContain(ended);
        },
      ),
      { numRuns: 40 },
    );
  });
});
