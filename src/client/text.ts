/** Text from elsewhere, made safe to print: a title or a log line must not be able to steer a terminal. */
import { stripVTControlCharacters } from 'node:util';

/** One line without control characters or marks that turn the reading direction. */
export function oneLine(text: string): string {
  return (
    stripVTControlCharacters(text)
      .replaceAll(/\s*[\r\n]+\s*/g, ' ')
      // eslint-disable-next-line no-control-regex -- exactly these are to go
      .replaceAll(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '')
      .trim()
  );
}

/** Several lines, each made safe, indentation kept. */
export function lines(text: string): string[] {
  return text.split('\n').map((line) => (/^ */.exec(line)?.[0] ?? '') + oneLine(line));
}

/** Cut to `width` columns, with an ellipsis; counts what is seen, not escape sequences. */
export function fit(text: string, width: number): string {
  if (visibleLength(text) <= width) return text;
  let shown = '';
  let columns = 0;
  // eslint-disable-next-line no-control-regex -- an escape sequence begins with ESC
  for (const [piece] of text.matchAll(/\u001b\[[0-9;]*m|./gsu)) {
    if (piece.startsWith('\u001b')) shown += piece;
    else if (columns < width - 1) {
      shown += piece;
      columns += 1;
    }
  }
  return `${shown}…`;
}

/** How many columns a text takes, escape sequences not counted. */
export function visibleLength(text: string): number {
  return [...stripVTControlCharacters(text)].length;
}

/** `1.2 GB`, `340 kB`: decimal units, as disks and object stores count. */
export function bytes(count: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = count;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** Columns of equal width, two spaces apart; the last one is not padded. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => visibleLength(row[column] ?? ''))),
  );
  return rows.map((row) =>
    row
      .map((cell, column) =>
        column === row.length - 1 ? cell : cell + ' '.repeat((widths[column] ?? 0) - visibleLength(cell)),
      )
      .join('  ')
      .trimEnd(),
  );
}
