/**
 * What every activity is told beside its request, and what every mutating one answers.
 * These types are all that workflows know of how an activity is carried out.
 */

/** The lock a run holds: the id of the lock's workflow and the run of it that is ours. Another run id means we lost it. */
export interface Fence {
  workflowId: string;
  runId: string;
}

export interface Call {
  /** Observe, then answer with the commands that would run, without running them. */
  plan: boolean;
  /** Checked before a mutating activity acts; null where the runbook takes no lock. */
  fence: Fence | null;
  /** Idempotency key of the step: `<workflowId>/<runId>/<step>`. The same on every attempt and after every crash. */
  key: string;
}

export interface Done<Result> {
  result: Result;
  /** False when it was found done already, or only planned. */
  performed: boolean;
  /** The commands that ran, or (plan) would run, secrets redacted; ready to be read by an approver. */
  commands: string[];
}

/** What a long activity tells while it works, in its heartbeat: shown live, and where the next attempt resumes. */
export interface Progress {
  note: string;
  done?: number;
  total?: number;
  unit?: 'bytes' | 'rows' | 'items';
}
