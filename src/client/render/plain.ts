/** Events as lines that are only ever appended: for pipes, logs and CI. */
import { formatDuration } from '../../inventory/duration.ts';
import type { RunEvent } from '../events.ts';
import { oneLine } from '../text.ts';
import { type Colors, mark, stateWord } from './marks.ts';
import { failureLines } from './tree.ts';
import { transferText } from './transfer.ts';

/** Zero or more lines, each beginning with the time of day (UTC). */
export function eventLines(event: RunEvent, at: Date, colors: Colors): string[] {
  const time = colors.dim(at.toISOString().slice(11, 19));
  switch (event.event) {
    case 'phase':
      return [`${time} ${event.phase}: ${oneLine(event.headline)}`];
    case 'step': {
      const word = stateWord(event.state);
      const took = event.tookMs === undefined ? '' : `  ${formatDuration(event.tookMs)}`;
      const note = event.note === undefined ? '' : `  ${oneLine(event.note)}`;
      return [
        `${time} ${mark(event.state, colors)} ${event.id} ${oneLine(event.title)}${word ? `  ${word}` : ''}${took}${note}`,
        ...(event.failure ? failureLines(event.failure.message, '        ', colors) : []),
      ];
    }
    case 'question':
      return [
        ...event.text.map((text) => `${time} ${colors.yellow(oneLine(text))}`),
        ...event.commands.map((command) => `${time}     ${command}`),
      ];
    case 'attempt': {
      const why =
        event.lastFailure === undefined
          ? ''
          : `: last error ${oneLine(event.lastFailure.split('\n')[0] ?? '')}`;
      return [`${time} ${colors.yellow(`${oneLine(event.title)}: attempt ${event.attempt}${why}`)}`];
    }
    case 'transfer':
      return [`${time} ${oneLine(event.title)}: ${transferText(event)}`];
    case 'trouble':
      return [`${time} ${colors.red(oneLine(event.text))}`];
    case 'recovered':
      return [`${time} answers again`];
  }
}
