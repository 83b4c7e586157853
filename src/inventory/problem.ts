/** What is wrong with an inventory, said so that it can be put right without reading this code. */

import { mayBeSecret } from './show.ts';

export interface Problem {
  /** As given by the caller. */
  file: string;
  /** From 1. */
  line: number;
  /** From 1, in UTF-16 units. */
  column: number;
  /** Such as `services.api.health.http.status`; empty for the whole file. */
  path: string;
  found: string;
  expected: string;
  hint?: string;
}

export type Path = readonly (string | number)[];

/** A problem before its place in the file is looked up. Checks make these; they know nothing of YAML. */
export interface Finding {
  path: Path;
  /** What the place points at. A value or key that is not in the file is reported at the nearest thing around it that is. */
  at: 'key' | 'value';
  found: string;
  expected: string;
  hint?: string;
}

/** Plain parts are joined by dots; anything else is quoted, so that a path is never ambiguous and stays on one line. What looks like a secret is left out. */
export function formatPath(path: Path): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else if (mayBeSecret(part)) text += '["…"]';
    else if (/^[\w$-]+$/.test(part) && part.length <= 63) text += text === '' ? part : `.${part}`;
    else text += `[${JSON.stringify(part.length > 40 ? `${part.slice(0, 39)}…` : part)}]`;
  }
  return text;
}

/** Two or three lines: the place, what is there and what should be, and what to do about it. */
export function formatProblem(problem: Problem): string {
  const place = `${problem.file}:${problem.line}:${problem.column}`;
  const lines = [
    problem.path === '' ? place : `${place}  ${problem.path}`,
    `  found: ${problem.found}   expected: ${problem.expected}`,
  ];
  if (problem.hint) lines.push(`  hint: ${problem.hint}`);
  return lines.join('\n');
}

/** In the order of the file, each once. */
export function tidy(problems: readonly Problem[]): Problem[] {
  const seen = new Map(problems.map((problem) => [formatProblem(problem), problem]));
  return [...seen.values()].sort(
    (a, b) => compare(a.file, b.file) || a.line - b.line || a.column - b.column || compare(a.path, b.path),
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
