/** Five-field cron expressions, checked where they are written rather than by the server at three in the morning. */

interface FieldRule {
  name: string;
  from: number;
  to: number;
  words: readonly string[];
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

const rules: readonly FieldRule[] = [
  { name: 'minute', from: 0, to: 59, words: [] },
  { name: 'hour', from: 0, to: 23, words: [] },
  { name: 'day of the month', from: 1, to: 31, words: [] },
  { name: 'month', from: 1, to: 12, words: months },
  // 7 is Sunday too.
  { name: 'weekday', from: 0, to: 7, words: weekdays },
];

export type Cron = { problem: { found: string; expected: string } } | { fields: number[][] };

/** The values of each field, in order; or what is wrong with the first field that is. */
export function parseCron(text: string): Cron {
  const parts = text.trim().split(/\s+/);
  if (parts.length !== rules.length) {
    const found = parts.length === 1 ? '1 field' : `${parts.length} fields`;
    return { problem: { found, expected: 'five fields: minute hour day month weekday' } };
  }
  const fields: number[][] = [];
  for (const [index, rule] of rules.entries()) {
    const part = parts[index] ?? '';
    const values = field(part, rule);
    if (!values) return { problem: { found: `${rule.name} ${part.slice(0, 40)}`, expected: words(rule) } };
    fields.push(values);
  }
  if (!happens(fields)) {
    const found = `day ${parts[2]} in month ${parts[3]}`;
    return { problem: { found, expected: 'a day that this month has' } };
  }
  return { fields };
}

/** True when day of the month and weekday are both restricted: Temporal then runs only on days that are both. */
export function restrictsBothDays(fields: readonly (readonly number[])[]): boolean {
  return (fields[2]?.length ?? 31) < 31 && new Set(fields[4]?.map((day) => day % 7)).size < 7;
}

/** Undefined for what is no field: `*`, `5`, `1-5`, `0-30/5` (a step), `mon-fri`, and commas between them. */
function field(text: string, rule: FieldRule): number[] | undefined {
  const values = new Set<number>();
  for (const item of text.split(',')) {
    const match = /^(?:(\*)|([a-z]+|\d{1,2})(?:-([a-z]+|\d{1,2}))?)(?:\/(\d{1,2}))?$/i.exec(item);
    if (!match) return undefined;
    const [, star, first, last, step] = match;
    const from = star ? rule.from : value(first, rule);
    // `5/10` means from 5 to the end, in steps of 10.
    const to = star || (last === undefined && step !== undefined) ? rule.to : value(last ?? first, rule);
    const by = Number(step ?? 1);
    if (from === undefined || to === undefined || from > to || by < 1) return undefined;
    for (let each = from; each <= to; each += by) values.add(each);
  }
  return [...values].sort((a, b) => a - b);
}

function value(text: string | undefined, rule: FieldRule): number | undefined {
  if (text === undefined) return undefined;
  const index = rule.words.indexOf(text.toLowerCase());
  if (index >= 0) return index + rule.from;
  if (!/^\d+$/.test(text)) return undefined;
  const number = Number(text);
  return number >= rule.from && number <= rule.to ? number : undefined;
}

function words({ name, from, to, words }: FieldRule): string {
  const names = words.length > 0 ? `, ${words[0]} to ${words.at(-1)}` : '';
  return `${name === 'hour' ? 'an' : 'a'} ${name} from ${from} to ${to}${names}, with * - , or /`;
}

/** False for the thirtieth of February: a schedule that never comes. */
function happens(fields: readonly (readonly number[])[]): boolean {
  const longest = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
  const firstDay = fields[2]?.[0] ?? 1;
  return (fields[3] ?? []).some((month) => firstDay <= (longest[month - 1] ?? 31));
}
