/** The door of every runbook: whoever knocks (CLI, `temporal workflow start`, the Temporal UI), a bad input ends the run at once. */
import { z } from 'zod';
import { durationPattern, isWithinReach } from '../../inventory/duration.ts';
import { Undecodable } from '../payloads.ts';
import { refusal } from './failures.ts';

/** Text a person gives: bounded, printable, on one line, so that it can be shown, logged and paged as it is. */
export const sentence = z
  .string()
  .trim()
  .min(1)
  .max(500)
  .refine(
    // eslint-disable-next-line no-control-regex -- control and direction characters are exactly what is refused
    (text) => !/[\u0000-\u001f\u007f\u202a-\u202e\u2066-\u2069]/.test(text),
    'no line breaks, control or direction characters',
  );

export const personName = sentence.max(120);

export const lengthOfTime = z
  .string()
  .max(20)
  .regex(durationPattern, 'a duration such as 5m')
  .refine(isWithinReach, 'a duration of ten years at most');

/** The fields every runbook takes beside its own. */
export const commonInput = {
  system: z
    .string()
    .regex(/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/, 'the name of a system: lower-case letters, digits and hyphens')
    .max(63)
    .describe('The system to operate, by its name in the inventory.'),
  requestedBy: personName.default('unknown').describe('Who asks.'),
  dryRun: z.boolean().default(false).describe('Observe and record what would be run; change nothing.'),
  whenBusy: z.enum(['refuse', 'queue']).default('refuse').describe('When another runbook holds the system.'),
};

/** The first argument, checked. Throws a non-retryable `InvalidInput` that names field, finding and expectation. */
export function parseInput<Input>(runbook: string, schema: z.ZodType<Input>, args: unknown[]): Input {
  if (args.length !== 1) {
    throw refusal(
      'InvalidInput',
      `${runbook} takes one JSON object as input, ${args.length} arguments were given.`,
    );
  }
  const [given] = args;
  if (given instanceof Undecodable || given instanceof Uint8Array) {
    const why = given instanceof Undecodable ? given.why : `${given.length} bytes of another encoding`;
    throw refusal(
      'InvalidInput',
      `${runbook}: the input cannot be read as JSON (${why.slice(0, 120)}). Nothing was started.`,
    );
  }
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.slice(0, 10).map((issue) => explain(issue, args[0]));
  throw refusal('InvalidInput', `${runbook}: ${problems.join('; ')}. Nothing was started.`, { problems });
}

function explain(issue: z.core.$ZodIssue, input: unknown): string {
  const path = issue.path.map(String).join('.') || 'the input';
  if (issue.code === 'unrecognized_keys') {
    return `unknown field${issue.keys.length > 1 ? 's' : ''} ${issue.keys.slice(0, 5).map(show).join(', ')}`;
  }
  return `${path}: ${issue.message} (found ${show(at(input, issue.path))})`;
}

function at(value: unknown, path: readonly PropertyKey[]): unknown {
  let current = value;
  for (const key of path) {
    if (typeof current !== 'object' || current === null) return undefined;
    current = (current as Record<PropertyKey, unknown>)[key];
  }
  return current;
}

/** A bounded, one-line picture of any value. */
function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}… (${text.length} characters)` : text;
}
