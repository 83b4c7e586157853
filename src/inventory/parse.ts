/** One inventory, from text to a validated system with absolute paths, or to everything that is wrong with it. */
import { dirname, resolve } from 'node:path';
import { problemChecks, warningChecks, type Check } from './checks/index.ts';
import { explain } from './explain/issues.ts';
import { withAbsolutePaths } from './paths.ts';
import { tidy, type Finding, type Problem } from './problem.ts';
import { system as systemSchema, type System } from './schema/system.ts';
import { locate } from './yaml/locate.ts';
import { readYaml } from './yaml/read.ts';

export interface Parsed {
  /** There when, and only when, there are no problems. */
  system?: System;
  problems: Problem[];
  /** Allowed, but worth knowing. */
  warnings: Problem[];
}

/**
 * `file` is named in problems as given; relative paths of the inventory are taken from its directory. Reads nothing.
 * References are checked once every field has its right shape.
 */
export function parseSystem(text: string, file: string): Parsed {
  const read = readYaml(text, file);
  if ('problems' in read) return { problems: tidy(read.problems), warnings: [] };
  const { source } = read;
  const placed = (findings: readonly Finding[]): Problem[] =>
    tidy(findings.map((finding) => locate(source, file, finding)));

  const parsed = systemSchema.safeParse(source.data);
  if (!parsed.success) {
    return { problems: placed(explain(systemSchema, source.data, parsed.error.issues)), warnings: [] };
  }
  const all = (checks: readonly Check[]): Finding[] => checks.flatMap((check) => check(parsed.data, file));
  const problems = placed(all(problemChecks));
  const warnings = placed(all(warningChecks));
  if (problems.length > 0) return { problems, warnings };
  return { system: withAbsolutePaths(parsed.data, resolve(dirname(file))), problems, warnings };
}
