/** An approval before something that cannot be taken back: who, how many, until when, and for exactly which commands. */
import { condition } from '@temporalio/workflow';
import { milliseconds } from '../../inventory/duration.ts';
import type { ApprovalPolicy } from '../../inventory/schema/people.ts';
import type { Accepted, ApprovalView, ApproveArgs, RejectArgs } from '../contract.ts';
import { iso, now } from './clock.ts';
import { refusal } from './failures.ts';
import type { RunState } from './state.ts';

export class Approval {
  readonly view: ApprovalView;
  readonly #state: RunState;
  readonly #policy: ApprovalPolicy;
  #rejected: RejectArgs | undefined;
  #closed = false;

  constructor(
    state: RunState,
    policy: ApprovalPolicy,
    asked: { id: string; title: string; plan: string[]; digest: string },
  ) {
    this.#state = state;
    this.#policy = policy;
    this.#assertPossible(asked.title);
    this.view = {
      ...asked,
      approvers: policy.approvers,
      quorum: policy.quorum,
      approvedBy: [],
      deadline: iso(now() + milliseconds(policy.within)),
      onTimeout: policy.onTimeout,
    };
  }

  /** Nobody waits for an approval that cannot come: one of exactly enough approvers asked for the run. */
  #assertPossible(title: string): void {
    const { approvers, quorum, requesterMayApprove, onTimeout } = this.#policy;
    const { requestedBy } = this.#state.facts;
    const able = approvers.filter((name) => requesterMayApprove || !samePerson(name, requestedBy));
    if (approvers.length === 0 || able.length >= quorum || onTimeout === 'approve') return;
    throw refusal(
      'Rejected',
      `"${title}" needs ${quorum} approvals, and only ${able.join(', ') || 'nobody'} could give one: ${requestedBy} asked for this run and may not approve it. Nothing was replaced.\nNext: let somebody who is no approver start it, or name more approvers in the inventory.`,
    );
  }

  /** Waits for the quorum. Throws a non-retryable `Rejected` when somebody says no, or nobody answers and that means no. */
  async decided(): Promise<void> {
    const quorum = () => this.view.approvedBy.length >= this.#policy.quorum;
    const answered = await condition(
      () => quorum() || this.#rejected !== undefined,
      // What is left of it: people were told meanwhile, which may have taken a while.
      Math.max(0, Date.parse(this.view.deadline) - now()),
    );
    this.#closed = true;
    if (this.#rejected) {
      throw refusal(
        'Rejected',
        `${this.#rejected.by} rejected "${this.view.title}": ${this.#rejected.reason}`,
      );
    }
    if (answered) return;
    if (this.#policy.onTimeout === 'approve') {
      this.#state.log(
        'approval',
        `Nobody answered within ${this.#policy.within}: approved, as the policy declares`,
      );
      return;
    }
    throw refusal(
      'Rejected',
      `Nobody approved "${this.view.title}" within ${this.#policy.within}: rejected, as the policy declares.`,
    );
  }

  /** Why this approval does not count, or undefined when it does. */
  objection({ by, digest }: ApproveArgs): string | undefined {
    if (this.#closed) return 'this approval is already decided';
    if (digest !== undefined && digest !== this.view.digest) {
      return `the plan has changed: ${digest.slice(0, 12)} was approved, ${this.view.digest.slice(0, 12)} waits`;
    }
    if (this.#policy.approvers.length > 0 && !this.#policy.approvers.includes(by)) {
      return `${by} is not among the approvers (${this.#policy.approvers.join(', ')})`;
    }
    if (!this.#policy.requesterMayApprove && samePerson(by, this.#state.facts.requestedBy)) {
      return `${by} asked for this run and may not approve it`;
    }
    return undefined;
  }

  approve(args: ApproveArgs): Accepted {
    if (!this.view.approvedBy.some((name) => samePerson(name, args.by))) {
      this.view.approvedBy.push(args.by);
      this.#state.log('approval', `Approved by ${args.by}${args.note ? `: ${args.note}` : ''}`, {
        by: args.by,
      });
      this.#state.refresh();
    }
    const missing = Math.max(0, this.#policy.quorum - this.view.approvedBy.length);
    return {
      text: missing === 0 ? `Approved: "${this.view.title}" goes on.` : `Counted. ${missing} more needed.`,
    };
  }

  reject(args: RejectArgs): Accepted {
    this.#rejected = args;
    this.#state.log('approval', `Rejected by ${args.by}: ${args.reason}`, { by: args.by });
    return { text: `Rejected: "${this.view.title}" will not be done.` };
  }
}

/** The login name of one tool is often the other's with a capital letter. */
function samePerson(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}
