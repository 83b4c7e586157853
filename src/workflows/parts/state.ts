/** What a run knows of itself: its tree of steps, its timeline, what it waits for. Plain data, changed here alone. */
import { setCurrentDetails, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import type {
  ApprovalView,
  EscalationView,
  Phase,
  ProgressView,
  StepView,
  TimelineEntry,
} from '../contract.ts';
import { searchAttributes } from '../contract.ts';
import { isoNow } from './clock.ts';
import { drawDetails } from './details.ts';

const phaseKey = defineSearchAttributeKey(searchAttributes.phase, SearchAttributeType.KEYWORD);
const systemKey = defineSearchAttributeKey(searchAttributes.system, SearchAttributeType.KEYWORD);
const severityKey = defineSearchAttributeKey(searchAttributes.severity, SearchAttributeType.KEYWORD);
const nameKey = defineSearchAttributeKey(searchAttributes.name, SearchAttributeType.KEYWORD);

export interface Facts {
  runbook: string;
  title: string;
  system: string;
  requestedBy: string;
  dryRun: boolean;
}

export class RunState {
  readonly facts: Facts;
  readonly startedAt = isoNow();
  readonly steps: StepView[] = [];
  readonly timeline: TimelineEntry[] = [];
  /** Parked steps, and whether each may be skipped. */
  readonly parked = new Map<string, boolean>();
  phase: Phase = 'starting';
  endedAt: string | undefined;
  headline = 'Starting';
  notice: { text: string; until: string } | undefined;
  approval: ApprovalView | undefined;
  escalation: EscalationView | undefined;

  constructor(facts: Facts) {
    this.facts = facts;
    upsertSearchAttributes([
      { key: systemKey, value: facts.system },
      { key: nameKey, value: facts.runbook },
      { key: phaseKey, value: this.phase },
      { key: severityKey, value: 'info' },
    ]);
    this.log(
      'run',
      `${facts.title} of ${facts.system}, asked for by ${facts.requestedBy}${facts.dryRun ? ' (dry run)' : ''}`,
    );
  }

  enter(phase: Phase, headline: string): void {
    this.headline = headline;
    if (phase !== this.phase) {
      this.phase = phase;
      upsertSearchAttributes([{ key: phaseKey, value: phase }]);
    }
    this.refresh();
  }

  /** `critical` while people are paged: what a list of open runs is sorted by. */
  severe(severity: 'info' | 'critical'): void {
    upsertSearchAttributes([{ key: severityKey, value: severity }]);
  }

  log(kind: TimelineEntry['kind'], text: string, more: { step?: string; by?: string } = {}): void {
    this.timeline.push({ at: isoNow(), kind, text, ...more });
  }

  /** Writes the Temporal UI's "current details" anew. */
  refresh(): void {
    setCurrentDetails(drawDetails(this.view()));
  }

  view(): ProgressView {
    const { workflowId, runId } = workflowInfo();
    return {
      ...this.facts,
      workflowId,
      runId,
      phase: this.phase,
      headline: this.headline,
      startedAt: this.startedAt,
      ...(this.endedAt ? { endedAt: this.endedAt } : {}),
      steps: this.steps,
      parked: [...this.parked.keys()],
      skippable: [...this.parked].flatMap(([id, skippable]) => (skippable ? [id] : [])),
      ...(this.notice ? { notice: this.notice } : {}),
      ...(this.approval ? { approval: this.approval } : {}),
      ...(this.escalation ? { escalation: this.escalation } : {}),
    };
  }
}
