/** What the parts of one run share. */
import type { Fence } from '../../activities/call.ts';
import type { System } from '../../inventory/schema/system.ts';
import type { Approval } from './approval.ts';
import type { Escalation } from './escalation.ts';
import type { Notice } from './notice.ts';
import type { RunState } from './state.ts';
import type { StepActivities } from './activities.ts';

/** What becomes of a step whose retries are spent. */
export type FailurePolicy = 'park' | 'undo' | 'fail';

export type Decision = { kind: 'retry'; by: string } | { kind: 'skip'; by: string; reason: string };

export interface ParkedStep {
  id: string;
  title: string;
  /** False when later steps need this one's result. */
  skippable: boolean;
  decision?: Decision;
}

export interface Undo {
  step: string;
  title: string;
  act(activities: StepActivities): Promise<unknown>;
}

export interface RunCore {
  readonly state: RunState;
  readonly system: System;
  readonly onFailure: FailurePolicy;
  /** The escalation level that is paged at once when a step parks (1 unless the runbook says more). */
  readonly failureLevel: number;
  readonly undos: Undo[];
  readonly parked: Map<string, ParkedStep>;
  fence: Fence | null;
  approval: Approval | undefined;
  notice: Notice | undefined;
  escalation: Escalation | undefined;
  /** Numbers messages, so that each has a key of its own. */
  messages: number;
}
