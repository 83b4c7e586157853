/** Failures as a person at three in the morning needs them: what, where, the command and its last lines, what to do next. */
import { ApplicationFailure } from '@temporalio/common';

export type FailureType =
  | 'InvalidInput' // refused before anything was touched
  | 'SystemBusy' // another runbook holds the system
  | 'Fenced' // this run lost the lock: it must not act any more
  | 'CommandFailed'
  | 'Unreachable' // a server did not answer; may well answer later
  | 'NotReady' // did not become what was waited for in time
  | 'ObjectExists'
  | 'StorageFailed'
  | 'NoSpace'
  | 'BackupDamaged' // bytes differ from the manifest, or the manifest is not to be trusted
  | 'NoUsableBackup'
  | 'ComparisonFailed' // a restored copy differs from what was backed up
  | 'NotOurs' // the thing found under our name does not bear our mark
  | 'Unsupported'
  | 'ConfigurationError';

export interface FailureFacts {
  /** What failed, on which system and part. One sentence. */
  what: string;
  /** Already redacted. */
  command?: string;
  /** The end of what it printed, already redacted and bounded. */
  lastLines?: string;
  /** What to do next. */
  hint?: string;
  /** False: trying again cannot help. Default true. */
  retryable?: boolean;
  cause?: unknown;
  /** Machine-readable facts, kept small. */
  details?: Record<string, unknown>;
}

/** Temporal keeps at most 4 KiB of a failure: the message is cut to leave room, its end first since the sentence comes first. */
const messageLimit = 3000;

export function failure(type: FailureType, facts: FailureFacts): ApplicationFailure {
  const lines = [facts.what];
  if (facts.command) lines.push(`Command: ${facts.command}`);
  if (facts.lastLines?.trim())
    lines.push(
      'Last lines:',
      ...facts.lastLines
        .trimEnd()
        .split('\n')
        .map((line) => `  ${line}`),
    );
  if (facts.hint) lines.push(`Next: ${facts.hint}`);
  const message = lines.join('\n');
  return ApplicationFailure.create({
    type,
    message: message.length > messageLimit ? `${message.slice(0, messageLimit)}…` : message,
    nonRetryable: facts.retryable === false,
    ...(facts.details ? { details: [facts.details] } : {}),
    ...(facts.cause instanceof Error ? { cause: facts.cause } : {}),
  });
}
