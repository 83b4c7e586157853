/** Schedules that the server will take, and that come round. */
import { parseCron, restrictsBothDays } from '../cron.ts';
import { didYouMean } from '../nearest.ts';
import type { Finding } from '../problem.ts';
import type { System } from '../schema/system.ts';
import { show } from '../show.ts';

export function crons(system: System): Finding[] {
  return Object.entries(system.schedules).flatMap(([name, { cron }]): Finding[] => {
    const parsed = parseCron(cron);
    if (!('problem' in parsed)) return [];
    return [
      { path: ['schedules', name, 'cron'], at: 'value', ...parsed.problem, hint: 'For example 30 2 * * sun' },
    ];
  });
}

export function bothDays(system: System): Finding[] {
  return Object.entries(system.schedules).flatMap(([name, { cron }]): Finding[] => {
    const parsed = parseCron(cron);
    if ('problem' in parsed || !restrictsBothDays(parsed.fields)) return [];
    return [
      {
        path: ['schedules', name, 'cron'],
        at: 'value',
        found: 'a day of the month and a weekday',
        expected: 'one of the two',
        hint: 'Temporal runs it only on days that are both; classic cron on days that are either.',
      },
    ];
  });
}

/** Names of the IANA data base, as the server knows them: in their own capitals, and no bare offsets. */
export function timeZones(system: System): Finding[] {
  return Object.entries(system.schedules).flatMap(([name, { timeZone }]): Finding[] => {
    if (timeZone === 'UTC') return [];
    const known = Intl.supportedValuesOf('timeZone');
    const right = known.find((zone) => zone.toLowerCase() === timeZone.toLowerCase());
    if (right === timeZone || (right === undefined && isKnown(timeZone))) return [];
    return [
      {
        path: ['schedules', name, 'timeZone'],
        at: 'value',
        found: show(timeZone),
        expected: 'UTC or a time zone such as Europe/Berlin',
        ...(right ? { hint: `Did you mean ${right}?` } : didYouMean(timeZone, known)),
      },
    ];
  });
}

/** Older names (`Asia/Calcutta`, `US/Pacific`) are not listed, but accepted. */
function isKnown(timeZone: string): boolean {
  if (!/^[A-Z]/.test(timeZone)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone });
    return true;
  } catch {
    return false;
  }
}
