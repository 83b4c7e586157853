/**
 * Runs as the rest of this product deals with them: start, look at, steer, wait for. Used by the `runbook` command, the
 * gateway and the tests. Errors are `CliError`s that a person can read.
 */
import { userInfo } from 'node:os';
import {
  defineSearchAttributeKey,
  SearchAttributeType,
  TypedSearchAttributes,
  WorkflowExecutionAlreadyStartedError,
} from '@temporalio/common';
import type { WorkflowExecutionDescription, WorkflowHandle } from '@temporalio/client';
import { connectClient, type Target, type TemporalClient } from '../temporal/connection.ts';
import { grpc, grpcCode, grpcDetails } from '../temporal/grpc.ts';
import { ensureSearchAttributes } from '../temporal/search-attributes.ts';
import {
  type Accepted,
  type ProgressView,
  queryNames,
  type RunReport,
  searchAttributes,
  taskQueue as defaultTaskQueue,
  type TimelineEntry,
  type updateNames,
} from '../workflows/contract.ts';
import { CliError, explain, runFailure, usageError } from './errors.ts';
import { exitCodes } from './exit-codes.ts';
import { matchIds, newRunId } from './identifiers.ts';
import { type Runbook, workflowTypeOf } from './runbooks.ts';

export interface RunbookClientOptions {
  taskQueue?: string | undefined;
  /** Who acts; default: the login name. */
  by?: string | undefined;
}

export interface StartedRun {
  id: string;
  /** The Temporal run id. */
  runId: string;
  /** True when a run with the asked-for id was there already: nothing was started. */
  attached: boolean;
}

export interface OpenRun {
  id: string;
  runbook: string;
  system: string;
  phase: string;
  startedAt: Date;
  /** Started by another run. */
  child: boolean;
}

export type UpdateName = keyof typeof updateNames;

/** How long a query or an update may take before "no worker answers" is the answer. */
const answerWithinMs = 10_000;

const keyword = (name: string) => defineSearchAttributeKey(name, SearchAttributeType.KEYWORD);

export class RunbookClient {
  readonly temporal: TemporalClient;
  readonly taskQueue: string;
  readonly by: string;

  constructor(temporal: TemporalClient, options: RunbookClientOptions = {}) {
    this.temporal = temporal;
    this.taskQueue = options.taskQueue ?? defaultTaskQueue;
    this.by = options.by ?? userInfo().username;
  }

  /** Throws `TemporalUnreachable` when nothing answers. */
  static async connect(target: Target = {}, options: RunbookClientOptions = {}): Promise<RunbookClient> {
    return new RunbookClient(await connectClient(target), options);
  }

  async close(): Promise<void> {
    await this.temporal.connection.close();
  }

  handle(id: string): WorkflowHandle {
    return this.temporal.client.workflow.getHandle(id);
  }

  /**
   * Starts a run. With `id` a second start is the first one: whether that run is open or has ended, it is attached to.
   * The input is sent as given; check it with `checkInput` beforehand.
   */
  async startRun(
    runbook: Pick<Runbook, 'name' | 'workflowType' | 'title'> | string,
    input: { system: string; [field: string]: unknown },
    options: { id?: string | undefined; dryRun?: boolean } = {},
  ): Promise<StartedRun> {
    const known =
      typeof runbook === 'string'
        ? { name: runbook, workflowType: workflowTypeOf(runbook), title: runbook }
        : runbook;
    const id = options.id ?? newRunId(known.name, input.system);
    const start = async () =>
      await this.temporal.client.workflow.start(known.workflowType, {
        workflowId: id,
        taskQueue: this.taskQueue,
        args: [{ requestedBy: this.by, ...input }],
        workflowIdReusePolicy: 'REJECT_DUPLICATE',
        workflowIdConflictPolicy: 'FAIL',
        staticSummary: `${known.title}: ${input.system}`,
        // Found by system from the first moment, even when no worker has seen the run yet.
        typedSearchAttributes: new TypedSearchAttributes([
          { key: keyword(searchAttributes.system), value: input.system },
          { key: keyword(searchAttributes.name), value: known.name },
          { key: keyword(searchAttributes.phase), value: 'starting' },
        ]),
      });
    try {
      const handle = await this.#withAttributes(start);
      return { id, runId: handle.firstExecutionRunId, attached: false };
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw explain(error);
      const there = await this.describe(id);
      if (there.type !== known.workflowType) {
        throw usageError(`${id} is the id of another runbook's run (${there.type}).`, 'Choose another --id.');
      }
      return { id, runId: there.runId, attached: true };
    }
  }

  /** Starts again once after adding the search attributes, where the namespace lacks them. */
  async #withAttributes<Result>(start: () => Promise<Result>): Promise<Result> {
    try {
      return await start();
    } catch (error) {
      if (grpcCode(error) !== grpc.invalidArgument || !/search attribute/i.test(grpcDetails(error)))
        throw error;
      const { warning } = await ensureSearchAttributes(this.temporal.connection, this.temporal.namespace);
      if (warning !== undefined) throw new CliError(exitCodes.failed, warning);
      return await start();
    }
  }

  /** What the run shows of itself. Needs a worker: without one a `CliError` with exit code `noWorker`. */
  async progress(id: string, withinMs = answerWithinMs): Promise<ProgressView> {
    return await this.query<ProgressView>(id, queryNames.progress, withinMs);
  }

  async timeline(id: string, withinMs = answerWithinMs): Promise<TimelineEntry[]> {
    return await this.query<TimelineEntry[]>(id, queryNames.timeline, withinMs);
  }

  async query<Answer>(id: string, name: string, withinMs = answerWithinMs): Promise<Answer> {
    try {
      return await this.temporal.connection.withDeadline(
        Date.now() + withinMs,
        async () => await this.handle(id).query<Answer>(name),
      );
    } catch (error) {
      const code = grpcCode(error);
      if (
        code === grpc.failedPrecondition ||
        code === grpc.deadlineExceeded ||
        // What a deadline looks like when the server hears of it first: nobody else cancels this call.
        code === grpc.cancelled ||
        code === grpc.invalidArgument
      ) {
        throw new CliError(
          exitCodes.noWorker,
          `No worker answers for ${id}: ${grpcDetails(error)}`,
          workerHint,
          error,
        );
      }
      throw notFound(error, id) ?? explain(error);
    }
  }

  /** Says something to a run and returns its answer. Refused: a `CliError` with the run's reason. */
  async update(id: string, name: UpdateName, args: object, withinMs = answerWithinMs): Promise<Accepted> {
    try {
      return await this.temporal.connection.withDeadline(
        Date.now() + withinMs,
        async () =>
          await this.handle(id).executeUpdate<Accepted, [object]>(name, { args: [{ by: this.by, ...args }] }),
      );
    } catch (error) {
      const { name: kind, cause } = error as { name?: string; cause?: unknown };
      if (kind === 'WorkflowUpdateFailedError') {
        throw new CliError(exitCodes.failed, `${id} refused: ${runFailure(cause).message}`, undefined, error);
      }
      if (kind === 'WorkflowUpdateRPCTimeoutOrCancelledError') {
        throw new CliError(
          exitCodes.noWorker,
          `No worker has answered for ${withinMs / 1000} s: ${name} may still be carried out when a worker comes.`,
          `${workerHint} Then look: runbook status ${id}`,
          error,
        );
      }
      throw notFound(error, id, 'The run has ended already, or never was.') ?? explain(error);
    }
  }

  async describe(id: string): Promise<WorkflowExecutionDescription> {
    try {
      return await this.handle(id).describe();
    } catch (error) {
      throw notFound(error, id) ?? explain(error);
    }
  }

  /** Waits for the end. A failed run throws a `CliError` with the failure's own message and exit code. */
  async result<Output = unknown>(id: string): Promise<RunReport<Output>> {
    try {
      return (await this.handle(id).result()) as RunReport<Output>;
    } catch (error) {
      throw notFound(error, id) ?? explain(error);
    }
  }

  /** Open runs of runbooks, oldest first. Visibility lags a moment behind. */
  async openRuns(filter: { system?: string | undefined } = {}): Promise<OpenRun[]> {
    const system =
      filter.system === undefined ? '' : ` AND ${searchAttributes.system} = ${JSON.stringify(filter.system)}`;
    const query = `ExecutionStatus = 'Running' AND ${searchAttributes.name} IS NOT NULL${system}`;
    const runs: OpenRun[] = [];
    try {
      for await (const info of this.temporal.client.workflow.list({ query })) {
        const value = (name: string) => info.typedSearchAttributes.get(keyword(name)) ?? '';
        runs.push({
          id: info.workflowId,
          runbook: value(searchAttributes.name),
          system: value(searchAttributes.system),
          phase: value(searchAttributes.phase),
          startedAt: info.startTime,
          child: info.parentExecution !== undefined && info.parentExecution !== null,
        });
      }
    } catch (error) {
      // No attributes in this namespace: nothing of ours has ever run in it.
      if (grpcCode(error) === grpc.invalidArgument) return [];
      throw explain(error);
    }
    return runs.sort((a, b) => a.startedAt.getTime() - b.startedAt.getTime());
  }

  /** The run a person means: by id, by the unique beginning of one, or as the only one open on a system. */
  async resolve(typed: string | undefined, system?: string): Promise<string> {
    if (typed === undefined) {
      if (system === undefined)
        throw usageError('Which run? Give its id, or --system.', 'See: runbook status');
      const open = (await this.openRuns({ system })).filter((run) => !run.child);
      return only(
        open.map((run) => run.id),
        `open run on ${system}`,
      );
    }
    try {
      return (await this.handle(typed).describe()).workflowId;
    } catch (error) {
      if (grpcCode(error) !== grpc.notFound && (error as Error).name !== 'WorkflowNotFoundError')
        throw explain(error);
    }
    const query = `${searchAttributes.name} IS NOT NULL`;
    const recent: string[] = [];
    try {
      for await (const info of this.temporal.client.workflow.list({ query })) {
        if (recent.push(info.workflowId) >= 2000) break;
      }
    } catch (error) {
      if (grpcCode(error) !== grpc.invalidArgument) throw explain(error);
    }
    return only([...new Set(matchIds(typed, recent))], `run ${JSON.stringify(typed)}`);
  }
}

const workerHint = 'Is `runbook worker` running? The run itself is safe.';

function only(ids: string[], what: string): string {
  const [id, ...others] = ids;
  if (id === undefined) throw usageError(`There is no ${what}.`, 'See: runbook status');
  if (others.length > 0)
    throw usageError(`There is more than one ${what}:\n  ${ids.slice(0, 10).join('\n  ')}`, 'Say which.');
  return id;
}

function notFound(error: unknown, id: string, sentence = 'There is no such run.'): CliError | undefined {
  if (grpcCode(error) !== grpc.notFound && (error as Error).name !== 'WorkflowNotFoundError')
    return undefined;
  return new CliError(exitCodes.usage, `${id}: ${sentence}`, 'See: runbook status', error);
}
