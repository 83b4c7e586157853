/** A notice: users are told, then given time; the time can be extended, cut short with a reason, or the run aborted. */
import { condition } from '@temporalio/workflow';
import { formatDuration, milliseconds } from '../../inventory/duration.ts';
import type { Accepted, ExtendNoticeArgs, SkipNoticeArgs } from '../contract.ts';
import { iso, now } from './clock.ts';
import type { RunState } from './state.ts';

export class Notice {
  readonly #state: RunState;
  #until: number;
  #changes = 0;
  #skipped = false;

  constructor(state: RunState, text: string, lengthMs: number) {
    this.#state = state;
    this.#until = now() + lengthMs;
    this.#show(text);
  }

  async over(): Promise<void> {
    while (!this.#skipped && now() < this.#until) {
      const seen = this.#changes;
      await condition(() => this.#skipped || this.#changes !== seen, this.#until - now());
    }
    this.#state.notice = undefined;
  }

  extend({ by, for: more }: ExtendNoticeArgs): Accepted {
    this.#until += milliseconds(more);
    this.#changes += 1;
    this.#show(this.#state.notice?.text ?? '');
    const left = formatDuration(this.#until - now());
    this.#state.log('notice', `Extended by ${more} by ${by}: ${left} left`, { by });
    return { text: `The notice now ends in ${left}, at ${iso(this.#until)}.` };
  }

  skip({ by, reason }: SkipNoticeArgs): Accepted {
    this.#skipped = true;
    this.#state.log('notice', `Cut short by ${by}: ${reason}`, { by });
    return { text: 'The notice is over.' };
  }

  #show(text: string): void {
    this.#state.notice = { text, until: iso(this.#until) };
    this.#state.enter('notice', `${text} Until ${iso(this.#until)}: abort, extend-notice or skip-notice.`);
  }
}
