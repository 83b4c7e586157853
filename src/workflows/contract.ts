/** What a run shows and what may be said to it. Types and names only: the CLI, the gateway and tests import this file. */

export type Phase =
  | 'starting'
  | 'notice'
  | 'waiting-approval'
  | 'running'
  | 'parked'
  | 'compensating'
  | 'completed'
  | 'failed'
  | 'aborted';

export type StepState =
  | 'running'
  | 'done'
  | 'already-done' // observed to be done: nothing was run
  | 'planned' // dry run: the commands are recorded, not run
  | 'parked' // its retries are spent: a person decides
  | 'skipped'
  | 'failed'
  | 'undone'
  | 'cancelled';

export interface FailureView {
  type: string;
  message: string;
}

/** One line of the live tree. */
export interface StepView {
  /** Stable within a run: `3`, or `3.1` inside a group. What `retryStep` and `skipStep` name. */
  id: string;
  title: string;
  state: StepState;
  startedAt: string;
  endedAt?: string;
  /** A short outcome: `23 tables, 1.2 GB`, `pid 4711`. */
  note?: string;
  commands?: string[];
  failure?: FailureView;
  children: StepView[];
}

export interface ApprovalView {
  id: string;
  title: string;
  /** The exact commands that wait for this approval. */
  plan: string[];
  /** SHA-256 of the plan; an approval that names another digest is refused. */
  digest: string;
  approvers: string[];
  quorum: number;
  approvedBy: string[];
  /** When `onTimeout` happens. */
  deadline: string;
  onTimeout: 'reject' | 'approve';
}

export interface EscalationView {
  reason: string;
  level: number;
  since: string;
  acknowledgedBy?: string;
}

export interface ProgressView {
  runbook: string;
  title: string;
  system: string;
  workflowId: string;
  runId: string;
  requestedBy: string;
  dryRun: boolean;
  phase: Phase;
  /** One sentence: what is happening, or what is waited for and how to answer. */
  headline: string;
  startedAt: string;
  endedAt?: string;
  steps: StepView[];
  notice?: { text: string; until: string };
  approval?: ApprovalView;
  /** Steps that wait for `retryStep` or `skipStep`. */
  parked: string[];
  /** Those of them that the run can go on without. */
  skippable: string[];
  escalation?: EscalationView;
}

export interface TimelineEntry {
  at: string;
  kind: 'run' | 'step' | 'notice' | 'approval' | 'escalation' | 'page' | 'person' | 'undo' | 'failure';
  text: string;
  step?: string;
  by?: string;
}

/** What a run answers when it ends, and what its report is written from. */
export interface RunReport<Output = unknown> {
  runbook: string;
  system: string;
  workflowId: string;
  outcome: 'completed' | 'completed-with-skips' | 'planned';
  startedAt: string;
  endedAt: string;
  tookMs: number;
  output: Output;
  steps: StepView[];
  timeline: TimelineEntry[];
  /** Dry run: every command, in order, and the digest an approval is bound to. */
  plan?: { commands: { step: string; command: string }[]; digest: string };
}

/** Names of the queries and updates of every run. `approve` and `reject` are signals as well. */
export const queryNames = { progress: 'progress', timeline: 'timeline' } as const;
export const updateNames = {
  approve: 'approve',
  reject: 'reject',
  abort: 'abort',
  extendNotice: 'extendNotice',
  skipNotice: 'skipNotice',
  retryStep: 'retryStep',
  skipStep: 'skipStep',
  acknowledge: 'acknowledge',
} as const;

export interface ApproveArgs {
  by: string;
  /** The digest the person saw. Without one the current plan is meant. */
  digest?: string | undefined;
  note?: string | undefined;
}
export interface RejectArgs {
  by: string;
  reason: string;
}
export interface AbortArgs {
  by: string;
  reason: string;
}
export interface ExtendNoticeArgs {
  by: string;
  /** Added to what is left, such as `5m`. */
  for: string;
}
export interface SkipNoticeArgs {
  by: string;
  reason: string;
}
export interface RetryStepArgs {
  by: string;
  /** Without one: the only parked step. */
  step?: string | undefined;
}
export interface SkipStepArgs {
  by: string;
  reason: string;
  step?: string | undefined;
}
export interface AcknowledgeArgs {
  by: string;
}
/** Every update answers with a sentence for the person; a refused one fails with the reason. */
export interface Accepted {
  text: string;
}

/** Input fields every runbook has beside its own. */
export interface CommonInput {
  system: string;
  /** Who asks; the CLI fills in the login name. */
  requestedBy?: string;
  dryRun?: boolean;
  /** What to do when another runbook holds the system. */
  whenBusy?: 'refuse' | 'queue';
}

export const taskQueue = 'runbooks';

export const searchAttributes = {
  system: 'RunbookSystem',
  name: 'RunbookName',
  phase: 'RunbookPhase',
  severity: 'RunbookSeverity',
} as const;
