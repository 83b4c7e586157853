/** A run's report as a person reads it. */
import { stringify } from 'yaml';
import { formatDuration } from '../inventory/duration.ts';
import type { RunReport } from '../workflows/contract.ts';

import { allSteps } from './events.ts';
import type { Colors } from './render/marks.ts';
import { lines, oneLine } from './text.ts';

/** One line of outcome, the plan of a dry run, and what the runbook answered. */
export function reportLines(report: RunReport, colors: Colors): string[] {
  const took = formatDuration(report.tookMs);
  const skipped = allSteps(report.steps).filter((step) => step.state === 'skipped');
  const { output } = report as { output?: unknown };
  const healthy =
    typeof output === 'object' && output !== null ? (output as { healthy?: unknown }).healthy : undefined;
  const head =
    healthy === false
      ? colors.red(`unhealthy (checked in ${took})`)
      : report.outcome === 'completed'
        ? colors.green(`done in ${took}`)
        : report.outcome === 'planned'
          ? colors.blue(`planned in ${took}; nothing was changed`)
          : colors.yellow(
              `done in ${took}, without: ${skipped.map((step) => `${step.id} ${oneLine(step.title)}`).join(', ')}`,
            );
  return [head, ...planLines(report, colors), ...outputLines(output)];
}

/** Every command a dry run would run, by step, and the digest an approval is bound to. */
export function planLines(report: RunReport, colors: Colors): string[] {
  if (!report.plan) return [];
  const shown: string[] = [];
  let step = '';
  for (const command of report.plan.commands) {
    if (command.step !== step) shown.push(colors.bold(oneLine(command.step)));
    step = command.step;
    shown.push(`  ${oneLine(command.command)}`);
  }
  if (shown.length === 0) shown.push('No command would run.');
  return [...shown, colors.dim(`plan ${report.plan.digest}`)];
}

function outputLines(output: unknown): string[] {
  if (output === undefined || output === null) return [];
  if (typeof output === 'object' && Object.keys(output).length === 0) return [];
  return lines(stringify(output, { lineWidth: 0 }).trimEnd());
}
