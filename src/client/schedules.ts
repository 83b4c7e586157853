/**
 * Schedules as the inventories want them, compared with those that are there. Pure: what is to be done is known, and
 * shown, before anything is. Only schedules that bear our mark are ever touched.
 */
import { isDeepStrictEqual } from 'node:util';
import { milliseconds } from '../inventory/duration.ts';
import type { System } from '../inventory/schema/system.ts';
import { CliError } from './errors.ts';
import { checkInput } from './inputs.ts';
import { findRunbook, type Runbook } from './runbooks.ts';

/** In the memo of every schedule of ours. */
export const mark = 'durable-runbooks';

/** All that is ours to decide about a schedule; kept in its action's memo, so that the next apply can compare. */
export interface ScheduleFacts {
  runbook: string;
  workflowType: string;
  cron: string;
  timeZone: string;
  paused: boolean;
  /** A start missed by no more than this is made up for. */
  catchUpMs: number;
  input: Record<string, unknown>;
  taskQueue: string;
}

export interface WantedSchedule {
  /** `runbook/<system>/<name>` */
  id: string;
  system: string;
  name: string;
  facts: ScheduleFacts;
}

export interface ExistingSchedule {
  id: string;
  ours: boolean;
  /** As last applied; undefined when it cannot be read. */
  facts: ScheduleFacts | undefined;
  /** As it is now: people pause schedules by hand. */
  paused: boolean;
}

export type ScheduleChange =
  | { kind: 'create'; id: string; wanted: WantedSchedule }
  | { kind: 'update'; id: string; wanted: WantedSchedule; differences: string[]; paused: boolean }
  | { kind: 'delete'; id: string }
  | { kind: 'unchanged'; id: string; note?: string }
  | { kind: 'left-alone'; id: string; note: string };

/** What the inventories ask for, each runbook and input checked; problems name the schedule. */
export function wantedSchedules(
  systems: readonly System[],
  runbooks: readonly Runbook[],
  taskQueue: string,
): { wanted: WantedSchedule[]; problems: string[] } {
  const wanted: WantedSchedule[] = [];
  const problems: string[] = [];
  for (const system of systems) {
    for (const [name, schedule] of Object.entries(system.schedules)) {
      const id = `runbook/${system.name}/${name}`;
      try {
        const runbook = findRunbook(runbooks, schedule.runbook);
        const input = { requestedBy: `schedule ${name}`, ...schedule.input, system: system.name };
        checkInput(runbook, input);
        wanted.push({
          id,
          system: system.name,
          name,
          facts: {
            runbook: runbook.name,
            workflowType: runbook.workflowType,
            cron: schedule.cron,
            timeZone: schedule.timeZone,
            paused: schedule.paused,
            catchUpMs: milliseconds(schedule.catchUp),
            input,
            taskQueue,
          },
        });
      } catch (error) {
        if (!(error instanceof CliError)) throw error;
        problems.push(
          `${system.name}: schedules.${name}: ${error.message}${error.hint ? ` ${error.hint}` : ''}`,
        );
      }
    }
  }
  return { wanted, problems };
}

/**
 * What to do, in the order of ids. A schedule of ours that a known system no longer has is deleted; one of a system that
 * has no inventory here is left alone unless `prune`: it may be another directory's.
 */
export function scheduleChanges(
  wanted: readonly WantedSchedule[],
  existing: readonly ExistingSchedule[],
  knownSystems: ReadonlySet<string>,
  prune = false,
): ScheduleChange[] {
  const there = new Map(existing.map((schedule) => [schedule.id, schedule]));
  const changes = wanted.map((want): ScheduleChange => {
    const found = there.get(want.id);
    there.delete(want.id);
    if (!found) return { kind: 'create', id: want.id, wanted: want };
    if (!found.ours)
      return {
        kind: 'left-alone',
        id: want.id,
        note: 'a schedule of this id exists that is not ours: rename one of them',
      };
    const differences = compare(found.facts, want.facts);
    // Somebody paused or resumed it by hand since: their decision stands until the inventory changes its own.
    const byHand =
      found.facts !== undefined &&
      found.facts.paused === want.facts.paused &&
      found.paused !== want.facts.paused;
    if (differences.length === 0) {
      const note = found.paused ? 'paused by hand: left so' : 'resumed by hand: left so';
      return byHand ? { kind: 'unchanged', id: want.id, note } : { kind: 'unchanged', id: want.id };
    }
    return {
      kind: 'update',
      id: want.id,
      wanted: want,
      differences,
      paused: byHand ? found.paused : want.facts.paused,
    };
  });
  for (const { id, ours } of there.values()) {
    if (!ours) continue;
    const system = id.split('/')[1] ?? '';
    if (prune || knownSystems.has(system)) changes.push({ kind: 'delete', id });
    else
      changes.push({
        kind: 'left-alone',
        id,
        note: `there is no inventory of ${system} here; --prune deletes it`,
      });
  }
  return changes.sort((a, b) => (a.id < b.id ? -1 : 1));
}

function compare(before: ScheduleFacts | undefined, after: ScheduleFacts): string[] {
  if (!before) return ['unreadable: written anew'];
  return (Object.keys(after) as (keyof ScheduleFacts)[])
    .filter((key) => !isDeepStrictEqual(before[key], after[key]))
    .map((key) => `${key}: ${show(before[key])} -> ${show(after[key])}`);
}

function show(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? null);
}

/** One line for each change. */
export function changeLines(changes: readonly ScheduleChange[]): string[] {
  return changes.map((change) => {
    switch (change.kind) {
      case 'create':
        return `+ ${change.id}  ${change.wanted.facts.runbook}  ${change.wanted.facts.cron}  ${change.wanted.facts.timeZone}${change.wanted.facts.paused ? '  paused' : ''}`;
      case 'update':
        return `~ ${change.id}  ${change.differences.join('; ')}`;
      case 'delete':
        return `- ${change.id}`;
      case 'unchanged':
        return `= ${change.id}${change.note === undefined ? '' : `  ${change.note}`}`;
      case 'left-alone':
        return `! ${change.id}  ${change.note}`;
    }
  });
}
