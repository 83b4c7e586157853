/** What happened between two looks at a run: the lines of plain and JSON output. Pure. */
import type { Progress } from '../activities/call.ts';
import type { FailureView, Phase, ProgressView, StepState, StepView } from '../workflows/contract.ts';
import { questions } from './answers.ts';
import { type Snapshot, troubleText } from './observe.ts';

export type RunEvent =
  | { event: 'phase'; phase: Phase; headline: string }
  | {
      event: 'step';
      id: string;
      title: string;
      state: StepState;
      tookMs?: number;
      note?: string;
      failure?: FailureView;
    }
  | { event: 'question'; text: string[]; commands: string[] }
  | { event: 'attempt'; title: string; attempt: number; lastFailure?: string }
  | ({ event: 'transfer'; title: string } & Progress)
  | { event: 'trouble'; text: string }
  | { event: 'recovered' };

/** Every step with its children, in order. */
export function allSteps(steps: readonly StepView[]): StepView[] {
  return steps.flatMap((step) => [step, ...allSteps(step.children)]);
}

/** Milliseconds a step took, or has taken until `now`. */
export function elapsed(step: { startedAt: string; endedAt?: string }, now: number): number {
  return Math.max(
    0,
    (step.endedAt === undefined ? now : Date.parse(step.endedAt)) - Date.parse(step.startedAt),
  );
}

/** Compares each look with the one before. */
export class EventSource {
  readonly #address: string;
  #progress: ProgressView | undefined;
  readonly #asked = new Set<string>();
  readonly #attempts = new Map<string, number>();
  readonly #transfers = new Map<string, { at: number; note: string; share: number }>();
  #trouble: string | undefined;

  constructor(address: string) {
    this.#address = address;
  }

  next(snapshot: Snapshot, now: number): RunEvent[] {
    const events: RunEvent[] = [];
    const { progress } = snapshot;
    if (progress && progress !== this.#progress) {
      events.push(...this.#steps(progress));
      if (progress.phase !== this.#progress?.phase) {
        events.push({ event: 'phase', phase: progress.phase, headline: progress.headline });
      }
      for (const { key, text, commands } of questions(progress)) {
        if (!this.#asked.has(key)) events.push({ event: 'question', text, commands });
        this.#asked.add(key);
      }
      this.#progress = progress;
    }
    for (const activity of snapshot.activities) {
      const title = activity.title ?? activity.type;
      const { attempt, lastFailure } = activity;
      if (attempt > 1 && attempt !== this.#attempts.get(activity.id)) {
        events.push({
          event: 'attempt',
          title,
          attempt,
          ...(lastFailure === undefined ? {} : { lastFailure }),
        });
      }
      this.#attempts.set(activity.id, attempt);
      if (activity.progress) events.push(...this.#transfer(activity.id, title, activity.progress, now));
    }
    events.push(...this.#troubles(snapshot, now));
    return events;
  }

  #steps(progress: ProgressView): RunEvent[] {
    const before = new Map(allSteps(this.#progress?.steps ?? []).map((step) => [step.id, step]));
    return allSteps(progress.steps)
      .filter((step) => step.state !== before.get(step.id)?.state)
      .map((step) => ({
        event: 'step' as const,
        id: step.id,
        title: step.title,
        state: step.state,
        ...(step.endedAt === undefined ? {} : { tookMs: elapsed(step, 0) }),
        ...(step.note === undefined ? {} : { note: step.note }),
        ...(step.failure === undefined ? {} : { failure: step.failure }),
      }));
  }

  /** A line for a new note, each tenth of the way, and every ten seconds; not for each heartbeat. */
  #transfer(id: string, title: string, progress: Progress, now: number): RunEvent[] {
    const share = progress.total ? Math.floor(((progress.done ?? 0) / progress.total) * 10) : 0;
    const last = this.#transfers.get(id);
    const same =
      last !== undefined &&
      last.share === share &&
      (progress.total !== undefined || last.note === progress.note);
    if (same && now - last.at < 10_000) return [];
    this.#transfers.set(id, { at: now, note: progress.note, share });
    return [{ event: 'transfer', title, ...progress }];
  }

  #troubles(snapshot: Snapshot, now: number): RunEvent[] {
    const text = troubleText(snapshot.trouble, this.#address, now);
    const kind = text === undefined ? undefined : snapshot.trouble?.kind;
    if (kind === this.#trouble) return [];
    const before = this.#trouble;
    this.#trouble = kind;
    if (text !== undefined) return [{ event: 'trouble', text }];
    return before === undefined || snapshot.trouble ? [] : [{ event: 'recovered' }];
  }
}
