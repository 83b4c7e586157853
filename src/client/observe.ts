/** One look at a run, put together from what the server knows of it and what its worker answers. */
import { defaultPayloadConverter } from '@temporalio/common';
import type { temporal } from '@temporalio/proto';
import type { Progress } from '../activities/call.ts';
import { grpc, grpcCode, grpcDetails } from '../temporal/grpc.ts';
import { type ProgressView, queryNames } from '../workflows/contract.ts';
import { CliError } from './errors.ts';
import { exitCodes } from './exit-codes.ts';
import type { RunbookClient } from './runs.ts';

export interface PendingActivity {
  id: string;
  type: string;
  /** The step's title, as the history has it. */
  title: string | undefined;
  attempt: number;
  lastFailure: string | undefined;
  progress: Progress | undefined;
}

export interface Trouble {
  /**
   * unreachable: Temporal itself does not answer; no-worker: nobody answers for the run; task-failing: a worker takes the
   * run's task and fails at it, again and again.
   */
  kind: 'unreachable' | 'no-worker' | 'task-failing';
  /** When the last good answer came, milliseconds since the epoch. */
  since: number;
  detail: string;
}

export interface Snapshot {
  id: string;
  /** Temporal's own word for it: RUNNING, COMPLETED, FAILED, TERMINATED ... */
  status: string;
  /** The newest answer there was, perhaps from before the trouble began. */
  progress: ProgressView | undefined;
  activities: PendingActivity[];
  trouble: Trouble | undefined;
}

const answerWithinMs = 5000;

/** Looks at one run again and again, and remembers what it saw last. */
export class Observer {
  readonly #runs: RunbookClient;
  readonly #id: string;
  readonly #titles = new Map<string, string>();
  #last: Snapshot;
  #answeredAt = Date.now();

  constructor(runs: RunbookClient, id: string) {
    this.#runs = runs;
    this.#id = id;
    this.#last = { id, status: 'RUNNING', progress: undefined, activities: [], trouble: undefined };
  }

  /** Never throws for what may pass (a server or a worker that is away); throws when there is no such run. */
  async look(): Promise<Snapshot> {
    const within = async <Answer>(ask: () => Promise<Answer>) =>
      await this.#runs.temporal.connection.withDeadline(Date.now() + answerWithinMs, ask);
    const handle = this.#runs.handle(this.#id);
    const [described, asked] = await Promise.allSettled([
      within(async () => await handle.describe()),
      within(async () => await handle.query<ProgressView>(queryNames.progress)),
    ]);
    if (described.status === 'rejected') {
      const code = grpcCode(described.reason);
      if (code === grpc.notFound || (described.reason as Error).name === 'WorkflowNotFoundError') {
        throw new CliError(
          exitCodes.usage,
          `${this.#id}: There is no such run.`,
          'See: runbook status',
          described.reason,
        );
      }
      return this.#remember({ trouble: this.#trouble('unreachable', grpcDetails(described.reason)) });
    }
    const { raw, status } = described.value;
    const activities = await this.#activities(raw.pendingActivities ?? []);
    if (asked.status === 'fulfilled') {
      this.#answeredAt = Date.now();
      return this.#remember({ status: status.name, progress: asked.value, activities, trouble: undefined });
    }
    if (status.name !== 'RUNNING')
      return this.#remember({ status: status.name, activities: [], trouble: undefined });
    const failing = (raw.pendingWorkflowTask?.attempt ?? 0) > 1;
    const trouble = failing
      ? this.#trouble('task-failing', await this.#taskFailure(raw.pendingWorkflowTask?.attempt ?? 0))
      : this.#trouble('no-worker', grpcDetails(asked.reason));
    return this.#remember({ status: status.name, activities, trouble });
  }

  #remember(seen: Partial<Snapshot>): Snapshot {
    this.#last = { ...this.#last, ...seen };
    return this.#last;
  }

  #trouble(kind: Trouble['kind'], detail: string): Trouble {
    return { kind, since: this.#answeredAt, detail };
  }

  async #activities(pending: temporal.api.workflow.v1.IPendingActivityInfo[]): Promise<PendingActivity[]> {
    if (pending.some((info) => !this.#titles.has(info.activityId ?? ''))) await this.#readTitles(pending);
    return pending.map((info) => ({
      id: info.activityId ?? '',
      type: info.activityType?.name ?? '',
      title: this.#titles.get(info.activityId ?? '') || undefined,
      attempt: info.attempt ?? 1,
      lastFailure: info.lastFailure?.message ?? undefined,
      progress: decodeProgress(info.heartbeatDetails?.payloads?.[0]),
    }));
  }

  /** The summaries are in the history's scheduled events only; read once for each activity. */
  async #readTitles(pending: temporal.api.workflow.v1.IPendingActivityInfo[]): Promise<void> {
    try {
      const { events } = await this.#runs.handle(this.#id).fetchHistory();
      for (const event of events ?? []) {
        const id = event.activityTaskScheduledEventAttributes?.activityId;
        const summary = event.userMetadata?.summary;
        if (id) this.#titles.set(id, summary ? String(defaultPayloadConverter.fromPayload(summary)) : '');
      }
    } catch {
      // Shown without titles until the next look.
      return;
    }
    for (const info of pending)
      if (!this.#titles.has(info.activityId ?? '')) this.#titles.set(info.activityId ?? '', '');
  }

  async #taskFailure(attempt: number): Promise<string> {
    try {
      const answer = await this.#runs.temporal.connection.workflowService.getWorkflowExecutionHistoryReverse({
        namespace: this.#runs.temporal.namespace,
        execution: { workflowId: this.#id },
        maximumPageSize: 20,
      });
      const failed = answer.history?.events?.find((event) => event.workflowTaskFailedEventAttributes);
      const message = failed?.workflowTaskFailedEventAttributes?.failure?.message;
      return `attempt ${attempt}${message ? `: ${message}` : ''}`;
    } catch {
      return `attempt ${attempt}`;
    }
  }
}

function decodeProgress(payload: temporal.api.common.v1.IPayload | undefined): Progress | undefined {
  if (!payload) return undefined;
  try {
    const value: unknown = defaultPayloadConverter.fromPayload(payload);
    return typeof value === 'object' && value !== null && typeof (value as Progress).note === 'string'
      ? (value as Progress)
      : undefined;
  } catch {
    return undefined;
  }
}

/** The trouble in one sentence, once it has lasted three seconds; a moment's silence is none. */
export function troubleText(trouble: Trouble | undefined, address: string, now: number): string | undefined {
  if (!trouble) return undefined;
  const seconds = Math.round((now - trouble.since) / 1000);
  switch (trouble.kind) {
    case 'task-failing':
      return `The worker fails at this run's own code (${trouble.detail}). It is tried again for ever: read the worker's log; the run is safe.`;
    case 'unreachable':
      return seconds < 3
        ? undefined
        : `Temporal at ${address} has not answered for ${seconds} s. Still trying; the run goes on when it is back.`;
    case 'no-worker':
      return seconds < 3
        ? undefined
        : `No worker has answered for ${seconds} s: is \`runbook worker\` running? The run itself is safe.`;
  }
}
