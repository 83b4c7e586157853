/** A run as a tree of steps that fits a terminal. Pure: the same snapshot at the same time gives the same lines. */
import { formatDuration } from '../../inventory/duration.ts';
import type { ProgressView, StepView } from '../../workflows/contract.ts';
import { questions } from '../answers.ts';
import { allSteps, elapsed } from '../events.ts';
import { type PendingActivity, type Snapshot, troubleText } from '../observe.ts';
import { fit, oneLine } from '../text.ts';
import { type Colors, mark, phaseWord, stateWord } from './marks.ts';
import type { Rates } from './transfer.ts';
import { transferText } from './transfer.ts';

export interface TreeOptions {
  now: number;
  /** Columns and rows there are. */
  width: number;
  height: number;
  colors: Colors;
  address: string;
  rates?: Rates;
  /** Also show the commands of each step (a plan). */
  commands?: boolean;
}

/** At most `height` lines of at most `width` columns. */
export function treeLines(snapshot: Snapshot, options: TreeOptions): string[] {
  const { progress } = snapshot;
  const head = headLines(snapshot, options);
  const foot = footLines(snapshot, options);
  const room = Math.max(3, options.height - head.length - foot.length);
  const body = progress ? stepLines(progress, snapshot.activities, { ...options, height: room }) : [];
  return [...head, ...body, ...foot]
    .slice(0, Math.max(options.height, 3))
    .map((line) => fit(line, options.width));
}

function headLines({ id, progress, trouble }: Snapshot, { now, colors }: TreeOptions): string[] {
  if (!progress)
    return [`${colors.bold(id)}${trouble ? '' : colors.dim('  waiting for the first answer ...')}`];
  const took = formatDuration(elapsed(progress, now));
  const plan = progress.dryRun ? colors.blue('  dry run') : '';
  return [
    `${colors.bold(oneLine(progress.title))}  ${oneLine(progress.system)}  ${phaseWord(progress.phase, colors)}  ${took}${plan}  ${colors.dim(id)}`,
    ...(progress.headline === '' ? [] : [oneLine(progress.headline)]),
  ];
}

function footLines({ progress, trouble }: Snapshot, { now, colors, address }: TreeOptions): string[] {
  const text = troubleText(trouble, address, now);
  const asked = progress ? questions(progress) : [];
  return [
    ...asked.flatMap((question) => [
      ...question.text.slice(0, 12).map((line) => colors.yellow(`  ${line}`)),
      ...question.commands.map((command) => `    ${colors.bold(command)}`),
    ]),
    ...(text === undefined ? [] : [colors.red(`  ${oneLine(text)}`)]),
  ];
}

/** The steps, collapsed until they fit: first finished groups, then finished steps, then whatever is furthest from now. */
function stepLines(progress: ProgressView, activities: PendingActivity[], options: TreeOptions): string[] {
  const waiting = [...activities];
  const attach = (step: StepView): PendingActivity | undefined => {
    if (step.state !== 'running' || step.children.length > 0) return undefined;
    const index = waiting.findIndex((activity) => activity.title === step.title);
    return index < 0 ? undefined : waiting.splice(index, 1)[0];
  };
  const attached = new Map(allSteps(progress.steps).map((step) => [step.id, attach(step)]));
  const render = (collapseGroups: boolean) =>
    progress.steps.map((step) => ({ step, lines: oneStep(step, 1, attached, collapseGroups, options) }));
  const rest = waiting.flatMap((activity) =>
    activityLines(activity, activity.title ?? activity.type, '  ', options),
  );

  let groups = render(false);
  const count = () => groups.reduce((sum, { lines }) => sum + lines.length, rest.length);
  if (count() > options.height) groups = render(true);
  let hidden = 0;
  while (count() + 1 > options.height && groups.length > 1 && isOver(groups[0]?.step)) {
    groups.shift();
    hidden += 1;
  }
  const shown = [
    ...(hidden > 0
      ? [options.colors.dim(`  ... ${hidden} finished step${hidden === 1 ? '' : 's'} above`)]
      : []),
    ...groups.flatMap(({ lines }) => lines),
    ...rest,
  ];
  if (shown.length <= options.height) return shown;
  return [
    options.colors.dim(`  ... ${shown.length - options.height + 1} lines above`),
    ...shown.slice(-(options.height - 1)),
  ];
}

function isOver(step: StepView | undefined): boolean {
  return step !== undefined && step.state !== 'running' && step.state !== 'parked';
}

function oneStep(
  step: StepView,
  depth: number,
  attached: ReadonlyMap<string, PendingActivity | undefined>,
  collapse: boolean,
  options: TreeOptions,
): string[] {
  const { colors, now } = options;
  const indent = '  '.repeat(depth);
  const took = elapsed(step, now);
  const word = stateWord(step.state);
  const note = step.note === undefined ? '' : colors.dim(`  ${oneLine(step.note)}`);
  const hiddenChildren = collapse && isOver(step) && step.children.length > 0;
  const line =
    `${indent}${mark(step.state, colors)} ${colors.dim(step.id)} ${oneLine(step.title)}` +
    `${word ? `  ${word}` : ''}${colors.dim(`  ${formatDuration(took)}`)}${note}` +
    (hiddenChildren ? colors.dim(`  (${allSteps(step.children).length} steps)`) : '');
  const failure =
    step.failure && step.state !== 'done' ? failureLines(step.failure.message, indent, colors) : [];
  const commands = options.commands
    ? (step.commands ?? []).map((command) => `${indent}    ${oneLine(command)}`)
    : [];
  const activity = attached.get(step.id);
  const children = hiddenChildren
    ? []
    : step.children.flatMap((child) => oneStep(child, depth + 1, attached, collapse, options));
  return [
    line,
    ...(activity ? activityLines(activity, undefined, indent, options) : []),
    ...commands,
    ...failure,
    ...children,
  ];
}

/** The beginning of a failure: the sentence, the command, its last lines. */
export function failureLines(message: string, indent: string, colors: Colors): string[] {
  return message
    .split('\n')
    .slice(0, 8)
    .map((line) => `${indent}    ${colors.red(oneLine(line))}`);
}

function activityLines(
  activity: PendingActivity,
  title: string | undefined,
  indent: string,
  options: TreeOptions,
): string[] {
  const { colors, rates, now } = options;
  const lines: string[] = [];
  const name = title === undefined ? '' : `${oneLine(title)}: `;
  if (activity.progress) {
    const perSecond = rates?.rate(activity.id, activity.progress.done, now);
    lines.push(`${indent}    ${colors.cyan(name + transferText(activity.progress, perSecond))}`);
  }
  if (activity.attempt > 1) {
    const why =
      activity.lastFailure === undefined ? '' : `: ${oneLine(activity.lastFailure.split('\n')[0] ?? '')}`;
    lines.push(`${indent}    ${colors.yellow(`${name}attempt ${activity.attempt}${why}`)}`);
  }
  return lines;
}
