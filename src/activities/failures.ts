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

/**
 * Bytes; Temporal keeps at most 4 KiB of a failure. What is too long is cut where it says least: a sentence and a command at
 * their end, what was printed at its beginning. What to do next is always told.
 */
const messageLimit = 3000;
const commandLimit = 700;
const hintLimit = 600;
const leastPrinted = 600;

export function failure(type: FailureType, facts: FailureFacts): ApplicationFailure {
  const command = facts.command ? beginning(`\nCommand: ${facts.command}`, commandLimit) : '';
  const next = facts.hint ? beginning(`\nNext: ${facts.hint}`, hintLimit) : '';
  const room = messageLimit - Buffer.byteLength(command) - Buffer.byteLength(next);
  const last = printed(facts.lastLines, Math.max(leastPrinted, room - Buffer.byteLength(facts.what)));
  const what = beginning(facts.what, room - Buffer.byteLength(last));
  return ApplicationFailure.create({
    type,
    message: `${what}${command}${last}${next}`,
    nonRetryable: facts.retryable === false,
    ...(facts.details ? { details: [facts.details] } : {}),
    ...(facts.cause instanceof Error ? { cause: facts.cause } : {}),
  });
}

function printed(lastLines: string | undefined, bytes: number): string {
  if (!lastLines?.trim()) return '';
  const title = '\nLast lines:';
  const lines = lastLines.trimEnd().split('\n');
  return `${title}${end(lines.map((line) => `\n  ${line}`).join(''), bytes - title.length)}`;
}

/** So much of a text's beginning as fits; no character is cut in two. */
function beginning(text: string, bytes: number): string {
  const whole = Buffer.from(text);
  if (whole.length <= bytes) return text;
  return `${whole
    .subarray(0, bytes - 3)
    .toString('utf8')
    .replace(/\uFFFD+$/, '')}…`;
}

function end(text: string, bytes: number): string {
  const whole = Buffer.from(text);
  if (whole.length <= bytes) return text;
  return `\n  …${whole
    .subarray(whole.length - bytes + 6)
    .toString('utf8')
    .replace(/^\uFFFD+/, '')}`;
}
