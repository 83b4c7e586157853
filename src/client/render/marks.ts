/** The mark and colour of each state, the same in the live tree, in plain lines and in the timeline. */
import pc from 'picocolors';
import type { Phase, StepState } from '../../workflows/contract.ts';

export type Colors = ReturnType<typeof pc.createColors>;

/** Colours for a stream: never when NO_COLOR is set, TERM is dumb, or it is not a terminal. */
export function colorsFor(stream: { isTTY?: boolean }, env: NodeJS.ProcessEnv): Colors {
  const wanted = stream.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
  return pc.createColors(wanted);
}

const marks: Record<StepState, [mark: string, color: keyof Colors]> = {
  running: ['▸', 'cyan'],
  done: ['✓', 'green'],
  'already-done': ['=', 'green'],
  planned: ['~', 'blue'],
  parked: ['!', 'yellow'],
  skipped: ['-', 'yellow'],
  failed: ['✗', 'red'],
  undone: ['<', 'yellow'],
  cancelled: ['x', 'dim'],
};

/** One column. */
export function mark(state: StepState, colors: Colors): string {
  const [text, color] = marks[state];
  return (colors[color] as (text: string) => string)(text);
}

/** What the mark alone does not say. */
export function stateWord(state: StepState): string {
  return state === 'done' || state === 'running' ? '' : state;
}

export function phaseWord(phase: Phase, colors: Colors): string {
  if (phase === 'completed') return colors.green(phase);
  if (phase === 'failed' || phase === 'aborted') return colors.red(phase);
  if (phase === 'parked' || phase === 'waiting-approval' || phase === 'notice' || phase === 'compensating')
    return colors.yellow(phase);
  return colors.cyan(phase);
}
