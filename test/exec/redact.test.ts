import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { redact, render } from '../../src/exec/index.ts';

const secret = fc
  .string({ minLength: 9, maxLength: 40, unit: 'grapheme-ascii' })
  .filter((text) => text.trim() === text);
const around = fc.string({ maxLength: 20, unit: fc.constantFrom(...'abcdefghij :=/+') });

test('a secret never survives as it is, nor URL-encoded, nor escaped in JSON', () => {
  fc.assert(
    fc.property(secret, around, around, (text, before, after) => {
      for (const form of [text, encodeURIComponent(text), JSON.stringify(text)]) {
        const clean = redact(`${before}${form}${after}`, [text]);
        expect(clean).toContain('***');
        expect(clean.replace('***', '')).not.toContain(text);
      }
    }),
  );
});

test('nor in base64, whatever stands before and after it', () => {
  fc.assert(
    fc.property(
      secret,
      around,
      around,
      fc.constantFrom('base64' as const, 'base64url' as const),
      (text, before, after, alphabet) => {
        const encoded = Buffer.from(`${before}${text}${after}`).toString(alphabet);
        const clean = redact(encoded, [text]);
        expect(clean).toContain('***');
        // What is left of it decodes to less than two characters of the secret at either end.
        const rest = clean
          .split('***')
          .map((part) => Buffer.from(part, 'base64').toString('latin1'))
          .join('\0');
        expect(rest).not.toContain(text.slice(2, -2));
      },
    ),
  );
});

test('lines of a key file are masked one by one; empty and missing secrets mask nothing', () => {
  const key = '-----BEGIN KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ\nqqqqqqqqqqqqqqqq\n-----END KEY-----\n';
  expect(redact('error near MC4CAQAwBQYDK2VwBCIEIJ: bad', [key])).toBe('error near ***: bad');
  expect(redact('nothing here', ['', '\n'])).not.toContain('***here');
  expect(redact('nothing here')).toBe('nothing here');
});

test('a rendered command, pasted into a shell, is the same command', () => {
  const anything = fc.array(
    fc.string({ unit: 'binary', maxLength: 12 }).filter((text) => !text.includes('\0')),
    { maxLength: 6 },
  );
  fc.assert(
    fc.property(anything, (argv) => {
      const line = render(['printf', '%s\\0', ...argv]);
      expect(line).not.toContain('\n');
      const printed = execFileSync('bash', ['-c', line], { encoding: 'buffer' });
      const expected = Buffer.from(argv.length === 0 ? '\0' : argv.map((text) => `${text}\0`).join(''));
      expect(printed.equals(expected)).toBe(true);
    }),
    { numRuns: 60 },
  );
});

test('a rendered command holds no secret, no second line, and no reversed text', () => {
  const line = render(['psql', '-c', "it's", '--password=s3cret!', 'a\nDROP', 'x\u202ey'], ['s3cret!']);
  expect(line).toBe(String.raw`psql -c 'it'\''s' '--password=***' $'a\nDROP' $'x\342\200\256y'`);
});
