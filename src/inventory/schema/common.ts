/** The small shapes every part of an inventory is made of. */
import { z } from 'zod';
import { durationPattern, isWithinReach } from '../duration.ts';

// The workflow sandbox has no eval; zod's generated fast path would only fail there and fall back.
z.config({ jitless: true });

export const name = z
  .string()
  .regex(
    /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/,
    'lower-case letters, digits and single hyphens, beginning with a letter',
  )
  .max(63)
  .describe('A short name: lower-case letters, digits and hyphens.');

export const duration = z
  .string()
  .regex(durationPattern, 'a duration such as 30s, 5m, 1h30m or 7d')
  .refine(isWithinReach, 'a duration of ten years at most')
  .describe('A length of time: 30s, 5m, 1h30m, 7d.');

/**
 * A secret is never written in an inventory, only where it is to be found. It is resolved inside the activity that needs
 * it and redacted from everything that leaves it.
 */
export const secretReference = z
  .string()
  .regex(
    /^(?:env:[A-Z_][A-Z0-9_]*|file:[^\0]+|k8s:[^\0/]+\/[^\0/]+|vault:[^\0]+)$/,
    'a reference (env:NAME, file:/path, k8s:secret/key or vault:path#field), never the secret itself',
  )
  .describe(
    'Where a secret is found: env:NAME, file:/path, k8s:secret/key, vault:path#field. Never the secret itself.',
  );

/** Text handed to programs as one argument: no NUL, no line break; a leading hyphen is refused where it would read as an option. */
export const argument = z
  .string()
  .max(4096)
  .refine((text) => !/[\0\r\n]/.test(text), 'text without NUL and without line breaks');

export const argv = z
  .array(argument)
  .min(1)
  .describe(
    'A program and its arguments, one item each. No shell reads it: no quoting, no variables, no pipes.',
  );

export const filePath = argument
  .min(1)
  .refine(
    (path) => !path.startsWith('-'),
    'a path that does not begin with a hyphen (it would read as an option)',
  )
  .describe('A path. A relative one is relative to the inventory file.');

export const httpUrl = z
  .url({ protocol: /^https?$/ })
  .max(2048)
  .describe('An http or https address.');

export const identifier = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_$-]{0,62}$/, 'a plain name of at most 63 characters: letters, digits, _ and -')
  .describe('The name of a database or a user: never a connection string.');

export const host = z
  .string()
  .regex(
    /^(?:\/[^\0\r\n]+|[A-Za-z0-9][A-Za-z0-9.:-]{0,252})$/,
    'a host name, an address, or the directory of a socket',
  )
  .describe('A host name, an address, or (PostgreSQL) the directory of a Unix socket.');

export const port = z.number().int().min(1).max(65_535);
