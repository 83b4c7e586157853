/** "Did you mean": the nearest of the words that would have been right. */

/**
 * Levenshtein distance, with two neighbours exchanged counting once (`titel`): how many letters to insert, remove,
 * replace or exchange. (Optimal string alignment.)
 */
export function distance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = at(previous, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const exchanged = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row.push(
        Math.min(
          replaced,
          at(previous, j) + 1,
          at(row, j - 1) + 1,
          exchanged ? at(before, j - 2) + 1 : Infinity,
        ),
      );
    }
    before = previous;
    previous = row;
  }
  return at(previous, b.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Infinity;
}

/**
 * The one word near enough to be what was meant: at most a third of its letters away, capitals and `-`, `_` aside.
 * The first in the alphabet when several are as near, so that the answer does not depend on the order given.
 */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  const bare = (text: string): string => text.toLowerCase().replace(/[-_\s]/g, '');
  const wanted = bare(word.slice(0, 100));
  let best: { name: string; away: number } | undefined;
  for (const name of [...known].sort()) {
    const away = distance(wanted, bare(name));
    if (
      away <= Math.max(1, Math.floor(name.length / 3)) &&
      away < name.length &&
      (!best || away < best.away)
    ) {
      best = { name, away };
    }
  }
  return best?.name;
}

/** A hint, or nothing when no word is near. */
export function didYouMean(word: string, known: Iterable<string>): { hint?: string } {
  const name = nearest(word, known);
  return name === undefined ? {} : { hint: `Did you mean ${name}?` };
}

/** `a`, `a or b`, `a, b or c`; a long list is cut. */
export function oneOf(words: readonly string[], limit = 24): string {
  if (words.length > limit) return `${words.slice(0, limit).join(', ')}, … (${words.length} in all)`;
  if (words.length < 2) return words.join('');
  return `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}
