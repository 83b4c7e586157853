/** YAML text to plain data, with the place of every key and value; or what is wrong with it as YAML. */
import { isMap, isScalar, LineCounter, parseDocument, visit, type Document, type YAMLError } from 'yaml';
import type { Problem } from '../problem.ts';

/** An inventory is a page or two; whatever is larger than this is not one. Bytes. */
export const largestFile = 1024 * 1024;

/** Aliases may expand to this many nodes and no more: the "billion laughs" stop here. */
const maxAliasCount = 100;

export interface Source {
  document: Document;
  /** Line and column (from 1) of an offset, always inside the file. */
  place(offset: number): { line: number; column: number };
  data: unknown;
}

type Read = { source: Source } | { problems: Problem[] };

export function readYaml(text: string, file: string): Read {
  const bytes = new TextEncoder().encode(text).length;
  if (bytes > largestFile) return { problems: [tooLarge(file, bytes)] };
  const lines = new LineCounter();
  const end = text.trimEnd().length;
  const place = (offset: number) => {
    // An error at the very end is shown after the last thing written.
    const { line, col } = lines.linePos(Math.min(offset, end));
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const at = (offset: number, rest: Pick<Problem, 'found' | 'expected' | 'hint'>): Problem => ({
    file,
    ...place(offset),
    path: '',
    ...rest,
  });
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, stringKeys: true });
  const errors = worthTelling([...document.errors, ...document.warnings]);
  if (errors.length > 0) return { problems: errors.map((error) => at(error.pos[0], explainYaml(error))) };
  if (document.contents === null || (isScalar(document.contents) && document.contents.value === null)) {
    return {
      problems: [at(0, { found: 'an empty file', expected: 'an inventory of one system', hint: startHint })],
    };
  }
  if (!isMap(document.contents)) {
    const found = isScalar(document.contents) ? 'a single value' : 'a list';
    return {
      problems: [at(document.contents.range?.[0] ?? 0, { found, expected: 'a mapping', hint: startHint })],
    };
  }
  const strange = unusual(document).map(({ offset, ...rest }) => at(offset, rest));
  if (strange.length > 0) return { problems: strange };
  try {
    return { source: { document, place, data: document.toJS({ maxAliasCount }) as unknown } };
  } catch {
    return {
      problems: [
        at(firstAlias(document), {
          found: `aliases (*name) that expand to more than ${maxAliasCount} values`,
          expected: 'an inventory that is written out',
        }),
      ],
    };
  }
}

const startHint = 'An inventory begins with `name:` and `title:`; see docs/inventory.md.';

export function tooLarge(file: string, bytes: number): Problem {
  return {
    file,
    line: 1,
    column: 1,
    path: '',
    found: `a file of ${bytes} bytes`,
    expected: `at most ${largestFile} bytes (1 MiB)`,
    hint: 'Is it an inventory at all?',
  };
}

/**
 * The library's own messages quote the file, secrets included; so each kind of mistake is said in our words.
 */
const mistakes: Partial<Record<YAMLError['code'], { found: string; expected: string; hint?: string }>> = {
  BAD_DQ_ESCAPE: {
    found: 'a backslash that means nothing in double quotes',
    expected: 'a known escape such as \\n or \\\\',
    hint: 'In single quotes a backslash is only a backslash.',
  },
  BAD_INDENT: {
    found: 'indentation that does not fit',
    expected: 'the same indentation for all fields of one mapping',
  },
  BAD_SCALAR_START: {
    found: 'a value that begins with @ or `',
    expected: 'such a value in quotes',
  },
  BLOCK_AS_IMPLICIT_KEY: {
    found: 'a second "key: value" on one line',
    expected: 'one field a line',
    hint: 'A value that contains ": " needs quotes.',
  },
  DUPLICATE_KEY: {
    found: 'a key that this mapping has already',
    expected: 'each key once',
    hint: 'Remove or rename one of the two.',
  },
  MISSING_CHAR: {
    found: 'something unfinished',
    expected: 'a closing quote, or a colon after a key',
    hint: 'Look at this line and the ones above it.',
  },
  MULTIPLE_DOCS: {
    found: 'a second document (after ---)',
    expected: 'one system in one file',
    hint: 'Move it to a file of its own.',
  },
  NON_STRING_KEY: { found: 'a list or mapping as a key', expected: 'a plain key' },
  RESOURCE_EXHAUSTION: { found: 'lists and mappings nested too deeply', expected: 'an inventory' },
  TAB_AS_INDENT: {
    found: 'a tab as indentation',
    expected: 'spaces',
    hint: 'YAML allows no tabs before a key.',
  },
  TAG_RESOLVE_FAILED: { found: 'a tag (!name)', expected: 'a plain value', hint: 'Tags are not used here.' },
};

function explainYaml(error: YAMLError): { found: string; expected: string; hint?: string } {
  if (error.code === 'BAD_INDENT' && error.message.startsWith('Flow ')) {
    return { found: 'a list or mapping that is not closed', expected: 'a closing ] or } before this place' };
  }
  return (
    mistakes[error.code] ?? {
      found: `something that is not YAML (${error.code})`,
      expected: 'YAML 1.2',
      hint: 'Look for a missing quote, colon or bracket in this line and the ones above it.',
    }
  );
}

/** A key twice is a mistake by itself; of what is not YAML only the first, since all that follows may come of it. */
function worthTelling(errors: readonly YAMLError[]): YAMLError[] {
  const separate = errors.filter(({ code }) => code === 'DUPLICATE_KEY').slice(0, 10);
  const first = errors.find(({ code }) => code !== 'DUPLICATE_KEY');
  return first ? [...separate, first] : separate;
}

/** Values that JSON cannot hold, so that an inventory can always be recorded, and a key that JavaScript would trip over. */
function unusual(document: Document): { offset: number; found: string; expected: string; hint?: string }[] {
  const found: { offset: number; found: string; expected: string; hint?: string }[] = [];
  let aliases = 0;
  visit(document, {
    Alias(_key, alias, ancestors) {
      const target = alias.resolve(document);
      const offset = alias.range?.[0] ?? 0;
      if (++aliases > maxAliasCount) {
        found.push({
          offset,
          found: `more than ${maxAliasCount} aliases (*name)`,
          expected: 'an inventory that is written out',
        });
        return visit.BREAK;
      }
      if (!target) {
        found.push({
          offset,
          found: 'an alias (*name) without its anchor',
          expected: 'an anchor (&name) before it',
        });
      } else if (ancestors.includes(target)) {
        found.push({
          offset,
          found: 'an alias to something that contains it',
          expected: 'a value with an end',
        });
      }
      return undefined;
    },
    Scalar(key, scalar) {
      const offset = scalar.range?.[0] ?? 0;
      const value: unknown = scalar.value;
      if (key === 'key' && value === '__proto__') {
        found.push({ offset, found: 'the key __proto__', expected: 'another name' });
      }
      const plain = value === null || ['string', 'boolean'].includes(typeof value) || Number.isFinite(value);
      if (!plain) {
        found.push({
          offset,
          found: 'a value that is not text, a finite number, true, false or null',
          expected: 'a plain value',
          hint: 'Put it in quotes if it is meant as text.',
        });
      }
    },
  });
  return found;
}

function firstAlias(document: Document): number {
  let offset = 0;
  visit(document, {
    Alias(_key, alias) {
      offset = alias.range?.[0] ?? 0;
      return visit.BREAK;
    },
  });
  return offset;
}
