/** What the body of a runbook is written with. */
import { workflowInfo } from '@temporalio/workflow';
import { formatDuration, milliseconds } from '../../inventory/duration.ts';
import type { System } from '../../inventory/schema/system.ts';
import type { StepView } from '../contract.ts';
import { noDeeds, stepActivities, type StepActivities } from './activities.ts';
import { Approval } from './approval.ts';
import { isoNow } from './clock.ts';
import type { RunCore } from './core.ts';
import { isCancellation, stopIfAborted } from './failures.ts';
import { tell, type Announcement } from './messages.ts';
import { Notice } from './notice.ts';
import { close, performStep, type StepOptions } from './step.ts';

export class Run {
  readonly #core: RunCore;
  readonly #level: StepView[];
  readonly #prefix: string;

  constructor(core: RunCore, level: StepView[] = core.state.steps, prefix = '') {
    this.#core = core;
    this.#level = level;
    this.#prefix = prefix;
  }

  get system(): System {
    return this.#core.system;
  }

  get dryRun(): boolean {
    return this.#core.state.facts.dryRun;
  }

  get startedAt(): string {
    return this.#core.state.startedAt;
  }

  /** Time of the current task; the same at every replay. */
  get now(): string {
    return isoNow();
  }

  /** `20260102T030405Z-0a1b2c3d`: when this run started and which it is. For names of things it makes. */
  get stamp(): string {
    const time = this.#core.state.startedAt.replace(/[-:]/g, '').replace(/\.\d+/, '');
    return `${time}-${workflowInfo().runId.slice(0, 8)}`;
  }

  /** Does one thing of the procedure, and records it. */
  async step<Result>(
    title: string,
    act: (activities: StepActivities) => Promise<Result>,
    options: StepOptions<Result> = {},
  ): Promise<Result> {
    const view = this.#open(title);
    return performStep(this.#core, view, act, options);
  }

  /** Steps that belong together, shown as one branch of the tree. */
  async group<Result>(title: string, body: (run: Run) => Promise<Result>): Promise<Result> {
    const view = this.#open(title);
    try {
      const result = await body(new Run(this.#core, view.children, `${view.id}.`));
      close(this.#core, view, 'done');
      return result;
    } catch (error) {
      close(this.#core, view, isCancellation(error) ? 'cancelled' : 'failed');
      throw error;
    }
  }

  /** All at once. Waits for every one to end, then throws the first failure: nothing is left running unseen. */
  async together<Item, Result>(
    items: readonly Item[],
    act: (item: Item) => Promise<Result>,
  ): Promise<Result[]> {
    const settled = await Promise.allSettled(items.map((item) => act(item)));
    const failed = settled.find((outcome) => outcome.status === 'rejected');
    if (failed) throw failed.reason;
    return settled.map((outcome) => (outcome as PromiseFulfilledResult<Result>).value);
  }

  /** Warns users and gives them time: `extendNotice`, `skipNotice`, `abort`. A length of 0 warns and goes on. */
  async notice(text: string, length: string): Promise<void> {
    const view = this.#open(`Notice: ${text}`);
    const lengthMs = milliseconds(length);
    if (this.dryRun) return close(this.#core, view, 'planned', `would wait ${length}`);
    await this.tell({
      key: `notice-${view.id}`,
      severity: 'warning',
      title: text,
      text: `${text} (in ${formatDuration(lengthMs)})`,
    });
    this.#core.state.log('notice', `${text} (in ${formatDuration(lengthMs)})`);
    this.#core.notice = new Notice(this.#core.state, text, lengthMs);
    try {
      await this.#core.notice.over();
      close(this.#core, view, 'done');
    } catch (error) {
      close(this.#core, view, 'cancelled');
      throw error;
    } finally {
      this.#core.notice = undefined;
      this.#core.state.notice = undefined;
    }
    this.#core.state.enter('running', 'The notice is over');
  }

  /** What the given calls would run, without running them. */
  async planOf(title: string, calls: (activities: StepActivities) => Promise<unknown>): Promise<string[]> {
    const deeds = noDeeds();
    const { workflowId, runId } = workflowInfo();
    await calls(
      stepActivities(
        `Plan: ${title}`,
        { plan: true, fence: null, key: `${workflowId}/${runId}/plan` },
        deeds,
      ),
    );
    return deeds.commands;
  }

  /**
   * Waits for the people the inventory names for this runbook, who see exactly the commands that follow. Without a policy
   * nobody is asked, and the timeline says so.
   */
  async approval(title: string, plan: string[]): Promise<void> {
    const { state, system } = this.#core;
    const policy = system.people.approvals[state.facts.runbook];
    if (!policy) {
      state.log(
        'approval',
        `No approval asked for "${title}": the inventory has no policy for ${state.facts.runbook}`,
      );
      return;
    }
    const view = this.#open(`Approval: ${title}`);
    if (this.dryRun)
      return close(this.#core, view, 'planned', `would ask ${policy.approvers.join(', ') || 'anybody'}`);
    const digest = await stepActivities(
      view.title,
      { plan: true, fence: null, key: view.id },
      noDeeds(),
    ).digest({ lines: plan });
    try {
      const approval = new Approval(state, policy, { id: view.id, title, plan, digest });
      this.#core.approval = approval;
      state.approval = approval.view;
      const id = workflowInfo().workflowId;
      state.enter(
        'waiting-approval',
        `${title}: waits for ${policy.quorum} approval(s) until ${approval.view.deadline} (runbook approve ${id})`,
      );
      await this.tell({
        key: `approval-${view.id}`,
        severity: 'critical',
        title: `Approval needed: ${title}`,
        text: [
          `Until ${approval.view.deadline}, else: ${policy.onTimeout}.`,
          'It would run:',
          ...plan.slice(0, 20),
          `Approve: runbook approve ${id}`,
        ].join('\n'),
        recipients: policy.approvers,
      });
      await approval.decided();
      close(
        this.#core,
        view,
        'done',
        approval.view.approvedBy.length > 0 ? `by ${approval.view.approvedBy.join(', ')}` : 'by time-out',
      );
    } catch (error) {
      close(this.#core, view, isCancellation(error) ? 'cancelled' : 'failed');
      throw error;
    } finally {
      this.#core.approval = undefined;
      state.approval = undefined;
    }
    state.enter('running', `Approved: ${title}`);
  }

  /** Says something to the channels for notices. Never fails the run. */
  async tell(announcement: Announcement): Promise<void> {
    await tell(this.#core.state, this.system, this.system.people.notices, announcement);
  }

  /** Undoes, from here on, nothing of what was done so far: the run has passed the point where going back makes sense. */
  commit(why: string): void {
    this.#core.undos.length = 0;
    this.#core.state.log('run', `No way back from here: ${why}`);
  }

  #open(title: string): StepView {
    stopIfAborted();
    const view: StepView = {
      id: `${this.#prefix}${this.#level.length + 1}`,
      title,
      state: 'running',
      startedAt: isoNow(),
      children: [],
    };
    this.#level.push(view);
    const { state } = this.#core;
    if (state.phase === 'starting') state.enter('running', title);
    else if (state.phase === 'running' || state.phase === 'compensating') state.headline = title;
    state.refresh();
    return view;
  }
}
