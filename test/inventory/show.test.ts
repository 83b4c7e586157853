import { describe, expect, test } from 'vitest';
import { distance, nearest } from '../../src/inventory/nearest.ts';
import { formatPath } from '../../src/inventory/problem.ts';
import { show } from '../../src/inventory/show.ts';

describe('what looks like a secret is not shown', () => {
  test.each([
    'postgres://app:hunter2@db/orders',
    'host=db password=hunter2',
    '--token hunter2',
    'Authorization: Bearer abc',
    '-----BEGIN PRIVATE KEY-----',
    'AGE-SECRET-KEY-1QQQ',
    'AKIAIOSFODNN7EXAMPLE',
    'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
    'xoxb-1234-abcd',
    '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b',
    '0b9e1d9e-8a53-4d58-9c1b-3f6d5c0e7a11',
    'eyJhbGciOiJIUzI1NiJ9.e30.abc',
  ])('%s', (text) => {
    expect(show(text)).toBe(`"…" (a literal; ${text.length} characters)`);
    expect(formatPath(['services', text])).toBe('services["…"]');
  });
});

describe('what does not is, so that it can be found', () => {
  test.each([
    'payment-reconciliation-service-for-the-2nd-region',
    '/usr/lib/postgresql/15/bin/postgres-with-a-long-name',
    'Europe/Berlim',
    '0 24 * * *',
  ])('%s', (text) => expect(show(text)).toBe(JSON.stringify(text)));
});

test('an address is shown as far as its host', () => {
  expect(show('https://hooks.example/services/T0/B0')).toBe('"https://hooks.example/…"');
  expect(show('https://hooks.example')).toBe('"https://hooks.example"');
});

test('a value is cut, and stays on one line', () => {
  expect(show('word '.repeat(50))).toBe(`"${'word '.repeat(50).slice(0, 79)}…"`);
  expect(show('two\nlines')).toBe('"two\\nlines"');
});

test('the name of a field can tell that its value is a secret', () => {
  for (const name of ['password', 'DB_PASSWORD', 'apiKey', 'access_key', 'token', 'webhook']) {
    expect(show('hunter2', ['environment', name])).not.toContain('hunter2');
  }
  expect(show('hunter2', ['tokens', 0])).not.toContain('hunter2');
  expect(show('hunter2', ['services', 'name'])).toBe('"hunter2"');
});

test('the nearest word: few letters away, whatever the order, and none when nothing is near', () => {
  expect(distance('kitten', 'sitting')).toBe(3);
  expect(distance('titel', 'title')).toBe(1);
  expect(distance('', 'abc')).toBe(3);
  expect(nearest('dependson', ['dependsOn', 'directory'])).toBe('dependsOn');
  expect(nearest('log_file', ['logFile'])).toBe('logFile');
  expect(nearest('bat', ['cat', 'bar'])).toBe('bar');
  expect(nearest('bat', ['bar', 'cat'])).toBe('bar');
  expect(nearest('colour', ['name', 'title', 'backup'])).toBeUndefined();
  expect(nearest('a', ['b'])).toBeUndefined();
});
