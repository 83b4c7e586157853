/** What a run waits for, and the exact commands that answer it. */
import type { ProgressView } from '../workflows/contract.ts';

export interface Question {
  /** Names the thing waited for: the same question is shown once. */
  key: string;
  text: string[];
  commands: string[];
}

/** Letters of the plan's digest that a person is shown and may give back. */
export const digestShown = 12;

/** Everything the run asks of people right now. */
export function questions(progress: ProgressView): Question[] {
  const id = progress.workflowId;
  const asked: Question[] = [];
  const { approval, notice, escalation } = progress;
  if (progress.phase === 'waiting-approval' && approval) {
    const have = approval.approvedBy.length;
    asked.push({
      key: `approval ${approval.id} ${approval.digest} ${have}`,
      text: [
        `Approval wanted: ${approval.title} (${have} of ${approval.quorum} given${have > 0 ? `, by ${approval.approvedBy.join(', ')}` : ''}; ` +
          `${approval.onTimeout === 'reject' ? 'rejected' : 'approved'} by itself at ${approval.deadline})`,
        ...approval.plan.map((command) => `  ${command}`),
        ...(approval.approvers.length > 0 ? [`May approve: ${approval.approvers.join(', ')}`] : []),
      ],
      commands: [
        `runbook approve ${id} --digest ${approval.digest.slice(0, digestShown)}`,
        `runbook reject ${id} --reason '...'`,
      ],
    });
  }
  if (progress.phase === 'notice' && notice) {
    asked.push({
      key: `notice ${notice.until}`,
      text: [`Notice until ${notice.until}: ${notice.text}`],
      commands: [
        `runbook extend-notice ${id} --for 5m`,
        `runbook skip-notice ${id} --reason '...'`,
        `runbook abort ${id} --reason '...'`,
      ],
    });
  }
  if (progress.parked.length > 0) {
    asked.push({
      // An escalation begins with every failure that is new: what was tried again in vain is asked about again.
      key: `parked ${progress.parked.join(' ')} ${escalation?.since ?? ''}`,
      text: [`Waiting for a decision: step ${progress.parked.join(', ')}`],
      commands: [
        ...progress.parked.flatMap((step) => [
          `runbook retry ${id} --step ${step}`,
          ...(progress.skippable.includes(step) ? [`runbook skip ${id} --step ${step} --reason '...'`] : []),
        ]),
        `runbook abort ${id} --reason '...'`,
      ],
    });
  }
  if (escalation && escalation.acknowledgedBy === undefined) {
    asked.push({
      key: `escalation ${escalation.since} ${escalation.level}`,
      text: [`Paging (level ${escalation.level}): ${escalation.reason}`],
      commands: [`runbook acknowledge ${id}`],
    });
  }
  return asked;
}
