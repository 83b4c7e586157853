/** What a benchmark answers. */

export interface Target {
  /** `>=`: larger is better. `<`: smaller is better. */
  sense: '>=' | '<';
  value: number;
}

export interface Measured {
  id: string;
  value: number;
  unit: string;
  /** Null: reported, not judged. */
  target: Target | null;
  /** Raw figures of both sides, and what exactly was measured. */
  detail: Record<string, unknown>;
}

export interface Result {
  id: string;
  value: number;
  unit: string;
  target: string | null;
  pass: boolean | null;
  detail: Record<string, unknown>;
}

/** Judges a figure; it is rounded for people only after that. */
export function judged({ id, value, unit, target, detail }: Measured): Result {
  const pass = target === null ? null : target.sense === '>=' ? value >= target.value : value < target.value;
  return {
    id,
    value: rounded(value),
    unit,
    target: target === null ? null : `${target.sense} ${target.value}`,
    pass,
    detail,
  };
}

export function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}

/** A readable table of results, without their detail. */
export function table(results: readonly Result[]): string {
  const rows = results.map(({ id, value, unit, target, pass }) => [
    id,
    `${value} ${unit}`,
    target ?? '',
    pass === null ? '' : pass ? 'met' : 'MISSED',
  ]);
  const head = ['benchmark', 'figure', 'target', ''];
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  return [head, ...rows]
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
