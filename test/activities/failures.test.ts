/** What a person reads at night: however long the story, it begins with what failed and ends with what to do. */
import { expect, test } from 'vitest';
import { failure } from '../../src/activities/failures.ts';

test('a long story keeps its beginning, the end of what was printed, and what to do next', () => {
  const { message } = failure('CommandFailed', {
    what: `The dump of shop failed. ${'Word '.repeat(300)}`,
    command: `pg_dump ${'--table=x '.repeat(400)}`,
    lastLines: `${'noise\n'.repeat(200)}FATAL: the last word`,
    hint: 'Free space, then try the step again.',
  });
  expect(Buffer.byteLength(message)).toBeLessThanOrEqual(3100);
  expect(message).toMatch(/^The dump of shop failed\./);
  expect(message).toContain('FATAL: the last word');
  expect(message).toMatch(/Next: Free space, then try the step again\.$/);
});

test('a story in a script of many bytes fits as well', () => {
  const { message } = failure('InvalidInput', { what: 'й'.repeat(5000), hint: 'Look.' });
  expect(Buffer.byteLength(message)).toBeLessThanOrEqual(3100);
  expect(message).toMatch(/Next: Look\.$/);
  expect(message.isWellFormed()).toBe(true);
});

test('a short one is told whole', () => {
  const { message } = failure('CommandFailed', {
    what: 'It failed.',
    command: 'false',
    lastLines: 'a\nb\n',
    hint: 'Look.',
  });
  expect(message).toBe('It failed.\nCommand: false\nLast lines:\n  a\n  b\nNext: Look.');
});
