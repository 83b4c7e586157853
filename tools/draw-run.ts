/**
 * Draws a run as SVG: a bar a step over time, and marks for what happened meanwhile.
 *
 *   node tools/draw-run.ts [recording.json]
 *
 * A recording is `{ "report": <RunReport>, "marks": [{ "at": <ISO time>, "text": … }] }`; `npm run demo` leaves one in
 * .demo/logs/recovery.json, which is taken without an argument. Written are docs/images/recovery.json, what of it the
 * documentation is made from, and docs/images/recovery.svg. Then run `node tools/generate-docs.ts` for the README.
 */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { RunReport, StepView } from '../src/workflows/contract.ts';
import { formatted } from './docs/markdown.ts';

/** Of a report: what can be drawn. */
export type DrawnReport = Pick<
  RunReport,
  'runbook' | 'system' | 'workflowId' | 'outcome' | 'startedAt' | 'endedAt' | 'tookMs' | 'steps'
>;

export interface Recording {
  report: DrawnReport;
  marks: { at: string; text: string }[];
}

const width = 960;
const left = 340;
const right = 70;
const row = 22;
const top = 74;

/** The states a bar can have; a step that had waited for a person, or was made good, is of another colour. */
const fills: Partial<Record<StepView['state'], string>> = {
  done: '#2a6f97',
  'already-done': '#8fb8de',
  planned: '#8fb8de',
  skipped: '#b08900',
  undone: '#b08900',
  failed: '#b3261e',
  parked: '#b3261e',
  cancelled: '#8a8f98',
};

interface Line {
  step: StepView;
  depth: number;
}

/** The picture; the same recording always gives the same. */
export function draw({ report, marks }: Recording): string {
  const lines = flatten(report.steps);
  const begin = Date.parse(report.startedAt);
  const end = Math.max(Date.parse(report.endedAt), ...marks.map(({ at }) => Date.parse(at)));
  const span = Math.max(1, end - begin);
  const x = (time: number) => round(left + ((time - begin) / span) * (width - left - right));
  const bottom = top + lines.length * row;
  const height = bottom + 40;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="12" role="img" aria-labelledby="title">`,
    `<title id="title">${escape(`${report.runbook} on ${report.system}: ${seconds(report.tookMs)}`)}</title>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    text(16, 26, `${report.runbook} on ${report.system}`, 'font-size="16" font-weight="600"'),
    text(
      16,
      46,
      `${report.outcome} in ${seconds(report.tookMs)}, from the run's own report`,
      'fill="#5b6270"',
    ),
    ...grid(span).map((at) => gridLine(x(begin + at), at, bottom)),
    ...lines.flatMap((line, index) => bar(line, top + index * row, x, end)),
    ...marks.flatMap((mark, index) => markLine(mark, x(Date.parse(mark.at)), index, bottom)),
    '</svg>',
    '',
  ].join('\n');
}

function flatten(steps: readonly StepView[], depth = 0): Line[] {
  return steps.flatMap((step) => [{ step, depth }, ...flatten(step.children, depth + 1)]);
}

function bar({ step, depth }: Line, y: number, x: (time: number) => number, end: number): string[] {
  const from = Date.parse(step.startedAt);
  const to = step.endedAt === undefined ? end : Date.parse(step.endedAt);
  const length = round(Math.max(2, x(to) - x(from)));
  const fill = step.children.length > 0 ? '#c9d3de' : (fills[step.state] ?? '#2a6f97');
  return [
    text(16 + depth * 14, y + 15, short(step.title, 48 - depth * 2), 'fill="#1f2430"'),
    `<rect x="${x(from)}" y="${y + 4}" width="${length}" height="${row - 8}" rx="2" fill="${fill}"/>`,
    text(round(x(from) + length + 5), y + 15, seconds(to - from), 'fill="#5b6270" font-size="10"'),
  ];
}

function markLine({ text: said }: { text: string }, x: number, index: number, bottom: number): string[] {
  const colour = index % 2 === 0 ? '#b3261e' : '#1e7d3c';
  // One above, one below: they are seconds apart.
  const y = index % 2 === 0 ? top - 8 : bottom + 16;
  return [
    `<line x1="${x}" y1="${top - 4}" x2="${x}" y2="${bottom + 4}" stroke="${colour}" stroke-width="1.5" stroke-dasharray="4 3"/>`,
    text(x, y, said, `fill="${colour}" text-anchor="middle" font-weight="600"`),
  ];
}

function gridLine(x: number, at: number, bottom: number): string {
  return `<line x1="${x}" y1="${top}" x2="${x}" y2="${bottom}" stroke="#e6e9ee"/>${text(x, bottom + 32, seconds(at), 'fill="#8a8f98" font-size="10" text-anchor="middle"')}`;
}

/** Round times, at most ten of them. */
function grid(span: number): number[] {
  const step = [1, 2, 5, 10, 30, 60, 300, 600, 1800, 3600].map((s) => s * 1000).find((s) => span / s <= 10);
  const every = step ?? span;
  return Array.from({ length: Math.floor(span / every) + 1 }, (_, index) => index * every);
}

function text(x: number, y: number, said: string, attributes: string): string {
  return `<text x="${x}" y="${y}" ${attributes}>${escape(said)}</text>`;
}

function short(said: string, length: number): string {
  return said.length > length ? `${said.slice(0, length - 1)}…` : said;
}

function seconds(milliseconds: number): string {
  if (milliseconds >= 120_000) return `${Math.round(milliseconds / 60_000)} min`;
  return `${(milliseconds / 1000).toFixed(milliseconds < 10_000 ? 1 : 0)} s`;
}

function round(number: number): number {
  return Math.round(number * 10) / 10;
}

function escape(said: string): string {
  return said.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/"/g, '&quot;');
}

/** A recording as it can be published: without commands and output, and without paths of the machine it ran on. */
export function published({ report, marks }: Recording, directory: string): Recording {
  const { runbook, system, workflowId, outcome, startedAt, endedAt, tookMs, steps } = report;
  const slim = (step: StepView): StepView => {
    const { id, title, state, startedAt: from, endedAt: to, note, children } = step;
    return {
      ...{ id, title, state, startedAt: from },
      ...(to === undefined ? {} : { endedAt: to }),
      ...(note === undefined ? {} : { note: note.replaceAll(`${directory}/`, '') }),
      children: children.map(slim),
    };
  };
  return {
    report: { runbook, system, workflowId, outcome, startedAt, endedAt, tookMs, steps: steps.map(slim) },
    marks,
  };
}

if (import.meta.main) {
  const root = path.dirname(import.meta.dirname);
  const [source = path.join(root, '.demo/logs/recovery.json')] = process.argv.slice(2);
  const recording = published(JSON.parse(await readFile(source, 'utf8')) as Recording, root);
  const target = path.join(root, 'docs/images/recovery');
  await writeFile(`${target}.json`, await formatted('docs/images/recovery.json', JSON.stringify(recording)));
  await writeFile(`${target}.svg`, draw(recording));
}
