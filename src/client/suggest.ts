/** "Did you mean": the known name nearest to what was typed. */

/** Levenshtein distance: how many letters to insert, remove or change. */
export function distance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const current = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const change = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min((previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1, change));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}

/** The nearest name, when it is near enough to have been meant. */
export function nearest(typed: string, known: readonly string[]): string | undefined {
  const short = typed.slice(0, 100).toLowerCase();
  const [best] = known
    .map((name) => ({ name, away: distance(short, name.toLowerCase()) }))
    .sort((a, b) => a.away - b.away);
  if (best === undefined) return undefined;
  return best.away <= Math.max(2, Math.floor(best.name.length / 3)) ? best.name : undefined;
}

/** `Did you mean X?`, else what there is. */
export function suggestion(typed: string, known: readonly string[], what: string): string {
  const name = nearest(typed, known);
  if (name !== undefined) return `Did you mean ${name}?`;
  return known.length === 0 ? `There are no ${what}.` : `There are these ${what}: ${known.join(', ')}`;
}
