/** docs/runbooks.md: every runbook as its own definition describes it. */
import { inputFlags } from '../../src/client/inputs.ts';
import { flagHelp } from '../../src/client/run-options.ts';
import type { FailurePolicy } from '../../src/workflows/parts/core.ts';
import { allRunbooks, type RunbookDescription } from '../../src/workflows/catalogue.ts';
import { code, fence, generatedBy, table } from './markdown.ts';

const policies: Record<FailurePolicy, string> = {
  park: 'A step whose retries are spent parks the run and pages: a person answers with retry, skip or abort.',
  undo: 'A step whose retries are spent ends the run; what was done is undone in reverse order.',
  fail: 'A step whose retries are spent ends the run. Nothing was changed that would have to be undone.',
};

const values: Record<ReturnType<typeof inputFlags>[number]['kind'], string> = {
  string: 'text',
  number: 'number',
  boolean: '`true`, `false`',
  list: 'list of text',
  json: 'JSON',
};

export function runbooksPage(): string {
  const contents = allRunbooks.map(({ name, title, summary }) => [
    `[${code(name)}](#${name})`,
    `${title}. ${summary}`,
  ]);
  return [
    '# The runbooks',
    generatedBy,
    'Beside the fields below every runbook takes `system` (required), `requestedBy`, `dryRun` and `whenBusy`. `requestedBy` is filled in by the `runbook` command; `dryRun: true` is `runbook plan`. The ids under "Carries" are those of the [table of procedures](coverage.md).',
    table(['Runbook', 'What it does'], contents),
    ...allRunbooks.map(section),
  ].join('\n\n');
}

function section(runbook: RunbookDescription): string {
  const { name, workflowType, title, summary, covers, mutates, exclusive, onFailure, examples } = runbook;
  const facts = [
    ['Workflow type', code(workflowType)],
    ['Changes the system', mutates ? 'yes; can be planned' : 'no'],
    ['Lock', exclusive ? 'one such runbook at a time on a system' : 'none: may run beside others'],
    ['When a step fails', policies[onFailure]],
    ['Carries', covers.join(', ') || 'none'],
  ];
  const flags = inputFlags(runbook.input).filter(({ field }) => field !== 'whenBusy');
  const inputs = flags.map((flag) => [
    code(flag.field),
    code(flagHelp(flag).flags),
    flag.choices ? flag.choices.map(code).join(', ') : values[flag.kind],
    flag.required ? '**required**' : flag.default === undefined ? '' : code(JSON.stringify(flag.default)),
    flag.description,
  ]);
  return [
    `## ${name}`,
    `${title}. ${summary}`,
    table(['', ''], facts),
    inputs.length === 0
      ? 'It takes no input of its own.'
      : table(['Input', 'Flag', 'Values', 'Default', 'Meaning'], inputs),
    ...(examples.length > 0 ? [fence('sh', examples.join('\n'))] : []),
  ].join('\n\n');
}
