/** Reads one metric from a page in Prometheus' text format. */

/** The sum of a metric's samples over all their labels; undefined when the page has none, or one that is not a number. */
export function sumOfSamples(page: string, name: string): number | undefined {
  const labels = String.raw`(?:\{(?:[^"{}]|"(?:\\.|[^"\\])*")*\})?`;
  const sample = new RegExp(String.raw`^${name}\s*${labels}\s+(\S+)(?:\s+-?\d+)?\s*$`);
  let sum: number | undefined;
  for (const line of page.split('\n')) {
    const value = sample.exec(line)?.[1];
    if (value !== undefined) sum = (sum ?? 0) + Number(value.replace(/^([+-]?)Inf$/i, '$1Infinity'));
  }
  return sum === undefined || Number.isNaN(sum) ? undefined : sum;
}
