import { describe, expect, test } from 'vitest';
import { parseCron, restrictsBothDays } from '../../src/inventory/cron.ts';

const fields = (text: string): number[][] => {
  const parsed = parseCron(text);
  if ('problem' in parsed) throw new Error(JSON.stringify(parsed.problem));
  return parsed.fields;
};

describe('fields mean what cron says they mean', () => {
  test.each([
    ['*/15 * * * *', 0, [0, 15, 30, 45]],
    ['10-20/5 * * * *', 0, [10, 15, 20]],
    ['50/4 * * * *', 0, [50, 54, 58]],
    ['5,1,5 * * * *', 0, [1, 5]],
    ['0 9-11 * * *', 1, [9, 10, 11]],
    ['0 0 29 feb *', 2, [29]],
    ['0 0 * JAN,dec *', 3, [1, 12]],
    ['0 0 * * mon-fri', 4, [1, 2, 3, 4, 5]],
    ['0 0 * * sun,7', 4, [0, 7]],
  ])('%s', (text, index, values) => expect(fields(text)[index]).toEqual(values));
});

describe('what is no cron expression is refused', () => {
  test.each([
    '* * * *',
    '* * * * * *',
    '@daily and not more here',
    '60 * * * *',
    '* 24 * * *',
    '* * 0 * *',
    '* * * 13 *',
    '* * * * 8',
    '5-1 * * * *',
    '*/0 * * * *',
    '1, * * * *',
    '1-2-3 * * * *',
    '-1 * * * *',
    '1.5 * * * *',
    '* * * mon *',
    '0 0 30 2 *',
    '0 0 31 4,6,9,11 *',
  ])('%s', (text) => expect(parseCron(text)).toHaveProperty('problem'));
});

test('a day of the month together with a weekday is noticed; all seven weekdays are none', () => {
  expect(restrictsBothDays(fields('0 0 1 * mon'))).toBe(true);
  expect(restrictsBothDays(fields('0 0 1 * *'))).toBe(false);
  expect(restrictsBothDays(fields('0 0 1 * 1-7'))).toBe(false);
  expect(restrictsBothDays(fields('0 0 * * mon'))).toBe(false);
});
