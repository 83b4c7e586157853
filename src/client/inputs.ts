/**
 * A runbook's input from a command line: flags made from its schema, `--input field=value`, `--json-input '{...}'`.
 * Everything wrong with it is refused here, in one message, before anything is started; the workflow checks it again.
 */
import { z } from 'zod';
import { usageError } from './errors.ts';
import type { Runbook } from './runbooks.ts';
import { suggestion } from './suggest.ts';

type Kind = 'string' | 'number' | 'boolean' | 'list' | 'json';

export interface InputFlag {
  field: string;
  /** With its two hyphens. */
  flag: string;
  kind: Kind;
  choices?: string[];
  default?: unknown;
  description: string;
  required: boolean;
}

/** Given by flags of their own in every command that starts a run. */
const elsewhere = new Set(['system', 'requestedBy', 'dryRun']);

/** Taken by options of the command itself: such a field's flag is `--input-<name>`. */
const reserved = new Set([
  'id',
  'system',
  'systems',
  'input',
  'json-input',
  'json',
  'detach',
  'help',
  'version',
  'as',
  'dry-run',
  'profile',
  'address',
  'namespace',
  'task-queue',
]);

/** Longest text of one field, in characters, and longest input as JSON: far above any real one, far below Temporal's 2 MiB. */
const fieldLimit = 16_384;
const inputLimit = 262_144;

interface Shape {
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  description?: string;
  items?: Shape;
}

/** One flag for each field of the input. */
export function inputFlags(input: z.ZodObject): InputFlag[] {
  const schema = z.toJSONSchema(input, { io: 'input', unrepresentable: 'any' });
  const required = new Set(schema.required ?? []);
  return Object.entries((schema.properties ?? {}) as Record<string, Shape>)
    .filter(([field]) => !elsewhere.has(field))
    .map(([field, shape]) => {
      const kebab = field.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
      const choices = shape.enum?.every((value) => typeof value === 'string') ? shape.enum : undefined;
      return {
        field,
        flag: `--${reserved.has(kebab) || kebab.startsWith('no-') ? 'input-' : ''}${kebab}`,
        kind: kindOf(shape),
        description: shape.description ?? '',
        required: required.has(field),
        ...(choices === undefined ? {} : { choices }),
        ...(shape.default === undefined ? {} : { default: shape.default }),
      };
    });
}

function kindOf(shape: Shape): Kind {
  const types = (Array.isArray(shape.type) ? shape.type : [shape.type]).filter((type) => type !== 'null');
  if (types.length !== 1) return types.includes('string') ? 'string' : 'json';
  if (types[0] === 'string' || types[0] === 'boolean') return types[0];
  if (types[0] === 'number' || types[0] === 'integer') return 'number';
  return types[0] === 'array' && shape.items?.type === 'string' ? 'list' : 'json';
}

export interface GivenInput {
  /** `field=value` */
  assignments: readonly string[];
  json?: string | undefined;
  /** By field, as commander gives them: text, lists of text, true or false. */
  flags: Readonly<Record<string, unknown>>;
}

/** The fields as given; a flag wins over `--input`, which wins over `--json-input`. */
export function gatherInput(runbook: Runbook, given: GivenInput): Record<string, unknown> {
  const known = inputFlags(runbook.input);
  const gathered: Record<string, unknown> = given.json === undefined ? {} : parseObject(given.json);
  for (const assignment of given.assignments) {
    const equals = assignment.indexOf('=');
    if (equals < 1) throw usageError(`--input ${quote(assignment)} is not field=value.`);
    const field = assignment.slice(0, equals);
    const flag = known.find((candidate) => candidate.field === field);
    const value = assignment.slice(equals + 1);
    gathered[field] = flag ? fromText(flag, value, `--input ${field}`) : value;
  }
  for (const flag of known) {
    const value = given.flags[flag.field];
    if (value === undefined) continue;
    gathered[flag.field] = typeof value === 'boolean' ? value : fromFlag(flag, value as string | string[]);
  }
  return gathered;
}

function fromFlag(flag: InputFlag, value: string | string[]): unknown {
  const texts = Array.isArray(value) ? value : [value];
  for (const text of texts) {
    if (text.startsWith('-') && !(flag.kind === 'number' && /^-\d/.test(text))) {
      throw usageError(
        `${flag.flag} got ${quote(text)}, which reads as an option.`,
        `If you mean it: --input '${flag.field}=${text.slice(0, 40)}'`,
      );
    }
  }
  return Array.isArray(value) ? value : fromText(flag, value, flag.flag);
}

function fromText(flag: InputFlag, text: string, where: string): unknown {
  switch (flag.kind) {
    case 'number':
      if (!/^-?\d+(?:\.\d+)?$/.test(text)) throw usageError(`${where}: ${quote(text)} is not a number.`);
      return Number(text);
    case 'boolean':
      if (text !== 'true' && text !== 'false')
        throw usageError(`${where}: ${quote(text)} is neither true nor false.`);
      return text === 'true';
    case 'list':
      return text === '' ? [] : text.split(',');
    case 'json':
      try {
        return JSON.parse(text) as unknown;
      } catch {
        return text;
      }
    case 'string':
      return text;
  }
}

function parseObject(json: string): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch (error) {
    throw usageError(`--json-input is not JSON: ${(error as Error).message}`);
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw usageError(`--json-input must be an object, such as '{"kind":"daily"}'.`);
  }
  return parsed as Record<string, unknown>;
}

/** Refuses what the runbook would refuse. The input goes out as given: the workflow fills in the defaults of its version. */
export function checkInput(runbook: Runbook, input: Record<string, unknown>): void {
  checkTexts(input, []);
  if (JSON.stringify(input).length > inputLimit) {
    throw usageError(
      `The input is larger than ${inputLimit / 1024} KiB.`,
      'Put data into storage and name it here.',
    );
  }
  const fields = Object.keys(runbook.input.shape);
  const unknown = Object.keys(input).find((field) => !fields.includes(field));
  if (unknown !== undefined) {
    throw usageError(
      `${runbook.name} has no input ${quote(unknown)}.`,
      suggestion(unknown, fields, 'inputs'),
    );
  }
  const parsed = runbook.input.safeParse(input);
  if (parsed.success) return;
  const problems = parsed.error.issues.map((issue) => {
    const field = issue.path.map(String).join('.') || 'input';
    return `${field}: ${issue.message.replace(/^Invalid input: /, '')}`;
  });
  const shown = problems.slice(0, 5).join('\n  ');
  throw usageError(
    `The input of ${runbook.name} is wrong:\n  ${shown}${problems.length > 5 ? `\n  and ${problems.length - 5} more` : ''}`,
    `See: runbook describe ${runbook.name}`,
  );
}

function checkTexts(value: unknown, path: string[]): void {
  if (typeof value === 'string') {
    const where = path.join('.') || 'input';
    if (value.includes('\0')) throw usageError(`${where} contains a NUL character.`);
    if (/[\r\n]/.test(value)) throw usageError(`${where} contains a line break; it must be one line.`);
    if (value.length > fieldLimit) {
      throw usageError(`${where} is ${value.length} characters long; at most ${fieldLimit} are taken.`);
    }
  } else if (typeof value === 'object' && value !== null) {
    if (path.length > 20) throw usageError(`${path[0] ?? 'input'} is nested too deeply.`);
    for (const [key, item] of Object.entries(value)) {
      checkTexts(key, path);
      checkTexts(item, [...path, key]);
    }
  }
}

function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
