/** What zod has to say about a file, in the words of whoever wrote it: each mistake once, and not one of a union's ten. */
import type { $ZodIssue, $ZodType } from 'zod/v4/core';
import { safeParse } from 'zod/v4/core';
import { didYouMean, nearest, oneOf } from '../nearest.ts';
import type { Finding, Path } from '../problem.ts';
import { show } from '../show.ts';
import {
  child,
  definition,
  description,
  discriminatorOf,
  expected,
  fields,
  isSecret,
  meant,
  tags,
  unwrap,
} from './schema.ts';

/** `root` and `data` are the whole shape and the whole file; paths of the issues begin there. */
export function explain(root: $ZodType, data: unknown, issues: readonly $ZodIssue[]): Finding[] {
  const findings = issues.flatMap((issue) => explainIssue(root, data, issue, []));
  return withoutMisspelt(findings);
}

interface Spot {
  schema: $ZodType | undefined;
  value: unknown;
}

function follow(root: $ZodType, data: unknown, path: Path): Spot {
  let spot: Spot = { schema: root, value: data };
  for (const key of path) {
    const inside = spot.value;
    spot = {
      schema: spot.schema && child(spot.schema, key, inside),
      value:
        typeof inside === 'object' && inside !== null && Object.hasOwn(inside, key)
          ? field(inside, key)
          : undefined,
    };
  }
  return spot;
}

function field(container: object, key: string | number): unknown {
  return (container as Record<string | number, unknown>)[key];
}

function explainIssue(root: $ZodType, data: unknown, issue: $ZodIssue, base: Path): Finding[] {
  const path = [...base, ...issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part))];
  const { schema, value } = follow(root, data, path);
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownKey(path, key, schema, value));
    case 'invalid_key': {
      const key = String(path.at(-1));
      const words = issue.issues[0]?.message ?? 'another key';
      return [{ path, at: 'key', found: show(key), expected: words }];
    }
    case 'invalid_union':
      return explainUnion(root, data, issue, path, { schema, value });
    case 'custom':
      return [{ path, at: 'value', found: show(value, path, isSecret(schema)), expected: issue.message }];
    default:
      return [wrong(path, schema, value)];
  }
}

function wrong(path: Path, schema: $ZodType | undefined, value: unknown): Finding {
  const hint = hintFor(schema, value);
  const found = show(value, path, isSecret(schema));
  return { path, at: 'value', found, expected: expected(schema), ...(hint ? { hint } : {}) };
}

/** The mistake people make most often with this kind of value; otherwise what the field is for. */
function hintFor(schema: $ZodType | undefined, value: unknown): string | undefined {
  if (!schema) return undefined;
  const def = definition(unwrap(schema));
  if (typeof value === 'number' && def.type === 'string' && safeParse(schema, String(value)).success) {
    return 'Put it in quotes: it is meant as text.';
  }
  if (typeof value === 'string') {
    if (def.type === 'number' && safeParse(schema, Number(value)).success) return 'Write it without quotes.';
    if (def.type === 'boolean') return 'Write true or false, without quotes.';
    if (def.type === 'enum') {
      const { hint } = didYouMean(value, Object.values(def.entries).map(String));
      if (hint) return hint;
    }
    if (def.type === 'array' && !description(schema)) return 'Write it as a list: - item, or [item].';
  }
  const purpose = description(schema);
  // "An http or https address." after "expected: an http or https address" says nothing new.
  return purpose?.toLowerCase() === `${expected(schema)}.` ? undefined : purpose;
}

function unknownKey(path: Path, key: string, schema: $ZodType | undefined, value: unknown): Finding {
  const known = knownFields(schema, value);
  const unused = known.filter(
    (name) => typeof value !== 'object' || value === null || !Object.hasOwn(value, name),
  );
  const hint =
    key === '<<' ? { hint: 'Merge keys (<<) are not read: write the fields out.' } : didYouMean(key, unused);
  return {
    path: [...path, key],
    at: 'key',
    found: `an unknown field ${show(key)}`,
    expected: oneOf(known),
    ...hint,
  };
}

function knownFields(schema: $ZodType | undefined, value: unknown): string[] {
  if (!schema) return [];
  const shape = unwrap(schema);
  const def = definition(shape);
  if (def.type !== 'union') return Object.keys(fields(schema));
  return Object.keys(fields(def.options[meant(def.options, discriminatorOf(shape), value)]));
}

type UnionIssue = Extract<$ZodIssue, { code: 'invalid_union' }>;

function explainUnion(root: $ZodType, data: unknown, issue: UnionIssue, path: Path, spot: Spot): Finding[] {
  // zod names the discriminator itself in the path when no option has this value of it.
  if (issue.errors.length === 0) {
    const parent = follow(root, data, path.slice(0, -1));
    const def = parent.schema && definition(unwrap(parent.schema));
    const known = def?.type === 'union' ? tags(def.options, String(path.at(-1))) : [];
    const hint = typeof spot.value === 'string' ? didYouMean(spot.value, known) : {};
    return [{ path, at: 'value', found: show(spot.value, path), expected: oneOf(known), ...hint }];
  }
  const def = spot.schema && definition(unwrap(spot.schema));
  if (def?.type !== 'union') return [wrong(path, spot.schema, spot.value)];
  const chosen = issue.errors[meant(def.options, undefined, spot.value)];
  if (chosen) return chosen.flatMap((inner) => explainIssue(root, data, inner, path));
  const finding = wrong(path, spot.schema, spot.value);
  if (typeof spot.value !== 'object' || spot.value === null || Array.isArray(spot.value)) return [finding];
  const given = Object.keys(spot.value);
  const known = def.options.flatMap((option) => Object.keys(fields(option)));
  const both = given.filter((key) => known.includes(key));
  if (both.length > 1) return [{ ...finding, found: both.join(' and ') }];
  const stranger = given[0];
  if (stranger === undefined) return [finding];
  return [
    {
      ...finding,
      path: [...path, stranger],
      at: 'key',
      found: show(stranger),
      ...didYouMean(stranger, known),
    },
  ];
}

/** `titel` is one mistake, not an unknown `titel` and a missing `title`. */
function withoutMisspelt(findings: readonly Finding[]): Finding[] {
  const same = (a: Path, b: Path): boolean =>
    a.length === b.length && a.every((part, index) => part === b[index]);
  const misspelt = findings.filter(({ found }) => found.startsWith('an unknown field '));
  return findings.filter((finding) => {
    if (finding.found !== 'nothing') return true;
    const name = String(finding.path.at(-1));
    return !misspelt.some(
      ({ path }) =>
        same(path.slice(0, -1), finding.path.slice(0, -1)) && nearest(String(path.at(-1)), [name]) === name,
    );
  });
}
