/** The run as Markdown, for the Temporal UI's "current details". */
import type { ProgressView, StepState, StepView } from '../contract.ts';

const marks: Record<StepState, string> = {
  running: '▶',
  done: '✓',
  'already-done': '✓',
  planned: '·',
  parked: '⏸',
  skipped: '↷',
  failed: '✗',
  undone: '↶',
  cancelled: '–',
};

export function drawDetails(view: ProgressView): string {
  const lines = [`**${view.title}** · ${view.system} · ${view.phase}`, '', view.headline, ''];
  for (const step of view.steps) drawStep(step, 0, lines);
  if (view.approval) {
    lines.push('', `Approval \`${view.approval.id}\` (${view.approval.digest.slice(0, 12)}):`, '```');
    lines.push(...view.approval.plan.slice(0, 40), '```');
  }
  return lines.join('\n');
}

function drawStep(step: StepView, depth: number, lines: string[]): void {
  const note = step.failure ? `: ${firstLine(step.failure.message)}` : step.note ? `: ${step.note}` : '';
  lines.push(`${'  '.repeat(depth)}- ${marks[step.state]} ${step.id} ${step.title}${note}`);
  for (const child of step.children) drawStep(child, depth + 1, lines);
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}
