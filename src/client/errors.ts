/** Errors as this command shows them: one clear message, what to do next, an exit code. No stack, no class names. */
import { grpc, grpcCode, grpcDetails } from '../temporal/grpc.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';

export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exitCode: ExitCode;
  /** What to do next. */
  readonly hint: string | undefined;
  constructor(exitCode: ExitCode, message: string, hint?: string, cause?: unknown) {
    super(message, cause === undefined ? {} : { cause });
    this.exitCode = exitCode;
    this.hint = hint;
  }
}

/** Wrong usage or input: nothing was started. */
export function usageError(message: string, hint?: string): CliError {
  return new CliError(exitCodes.usage, message, hint);
}

/** How a run failed: the innermost failure that the product's own code gave a type and a message. */
export interface RunFailure {
  type: string;
  message: string;
  exitCode: ExitCode;
}

const exitCodeByType: Record<string, ExitCode> = {
  InvalidInput: exitCodes.usage,
  SystemBusy: exitCodes.busy,
  Aborted: exitCodes.aborted,
  Rejected: exitCodes.aborted,
  ApprovalRejected: exitCodes.aborted,
  Cancelled: exitCodes.aborted,
  Terminated: exitCodes.aborted,
  Unhealthy: exitCodes.unhealthy,
};

/** Unwraps the failures that Temporal wraps around ours (run, child run, activity). */
export function runFailure(error: unknown): RunFailure {
  let found: { type: string; message: string } = { type: 'Error', message: String(error) };
  for (
    let current = error, depth = 0;
    current instanceof Error && depth < 20;
    current = current.cause, depth += 1
  ) {
    const { name, type } = current as Error & { type?: unknown };
    if (typeof type === 'string' && type !== '') {
      found = { type, message: current.message };
      // An outer failure of ours already says it for people; what it wraps is its cause.
      if (name === 'ApplicationFailure') break;
    } else if (name === 'CancelledFailure') found = { type: 'Cancelled', message: 'the run was cancelled' };
    else if (name === 'TerminatedFailure')
      found = { type: 'Terminated', message: `the run was terminated: ${current.message}` };
    else if (name === 'TimeoutFailure') found = { type: 'TimedOut', message: current.message };
    else if (current.cause === undefined) found = { type: name, message: current.message };
  }
  return { ...found, exitCode: exitCodeByType[found.type] ?? exitCodes.failed };
}

/** Any error, as one that may be shown. */
export function explain(error: unknown): CliError {
  if (error instanceof CliError) return error;
  const { name } = error as { name?: unknown };
  if (name === 'TemporalUnreachable') {
    const [message = '', ...hint] = (error as Error).message.split('\n');
    return new CliError(exitCodes.unreachable, message, hint.join('\n'), error);
  }
  if (name === 'WorkflowFailedError') {
    const failure = runFailure(error);
    return new CliError(failure.exitCode, failure.message, undefined, error);
  }
  const code = grpcCode(error);
  if (code === grpc.unavailable || code === grpc.deadlineExceeded || code === grpc.cancelled) {
    return new CliError(
      exitCodes.unreachable,
      `Temporal does not answer: ${grpcDetails(error)}`,
      undefined,
      error,
    );
  }
  if (code === grpc.permissionDenied || code === grpc.unauthenticated) {
    return new CliError(
      exitCodes.unreachable,
      `Temporal refuses: ${grpcDetails(error)}`,
      'Check the API key or certificate of the profile.',
      error,
    );
  }
  if (code !== undefined) return new CliError(exitCodes.failed, grpcDetails(error), undefined, error);
  return new CliError(
    exitCodes.failed,
    error instanceof Error ? error.message : String(error),
    undefined,
    error,
  );
}
