/** One run from a scenario's start state: killed at a point or not, carried to its end, and looked at. */
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { WorkflowFailedError } from '@temporalio/client';
import type { RunReport } from '../../src/workflows/contract.ts';
import { answerApprovals } from '../support/approve.ts';
import type { Lab } from '../support/lab.ts';
import type { LabWorker } from '../support/lab-worker.ts';
import { type CallEvent, readEvents, resumedAfter } from './events.ts';
import { type Ledger, markLogs, readLedger } from './ledger.ts';
import { reset, type Scenario, templates } from './scenarios.ts';
import { differences, observeState, type State } from './state.ts';

export interface Trial {
  point: string | undefined;
  outcome: string;
  events: CallEvent[];
  state: State;
  ledger: Ledger;
  tookMs: number;
}

export interface Verdict {
  /** The worker died where it was told to. */
  ran: boolean;
  equal: boolean;
  differences: string[];
  resumedAfterMs: number | undefined;
  repeatedMessages: number;
}

/** Longer than any run of this size takes, with several time-outs of heartbeats in it. */
const limitMs = 180_000;

export async function carryOut(lab: Lab, scenario: Scenario, point?: string): Promise<Trial> {
  await reset(lab, scenario);
  const id = randomUUID().slice(0, 8);
  const taskQueue = `${lab.taskQueue}-${id}`;
  const events = path.join(path.dirname(lab.demo.root), `events-${id}`);
  const mark = markLogs(lab);
  const started = performance.now();
  const workers: LabWorker[] = [];
  const startWorker = async (kill?: string) => {
    const worker = await lab.startWorker({ taskQueue, events, ...(kill === undefined ? {} : { kill }) });
    workers.push(worker);
    return worker;
  };
  const first = await startWorker(point);
  let over = false;
  void first.exited.then(() => (over ? undefined : startWorker()));
  const handle = await lab.start(scenario.workflowType, scenario.input, taskQueue);
  const answering = answerApprovals(handle);
  let outcome: string;
  let giveUp: NodeJS.Timeout | undefined;
  try {
    const tooLong = new Promise<never>((_, reject) => {
      giveUp = setTimeout(() => {
        reject(new Error(`not over after ${limitMs / 1000} s`));
      }, limitMs);
    });
    const report = (await Promise.race([handle.result(), tooLong])) as RunReport;
    outcome = report.outcome;
  } catch (error) {
    outcome = error instanceof WorkflowFailedError ? `failed: ${String(error.cause)}` : String(error);
    const { parked } = await lab.progress(handle).catch(() => ({ parked: [] }));
    if (parked.length > 0) outcome += `; waits for a person: ${JSON.stringify(parked)}`;
    await handle.terminate('given up by the crash test').catch(() => undefined);
  } finally {
    clearTimeout(giveUp);
    answering.stop();
    over = true;
  }
  const tookMs = performance.now() - started;
  const state = await observeState(lab, templates).catch((error: unknown): State => ({
    'cannot be looked at': String(error),
  }));
  const ledger = readLedger(lab, mark);
  for (const worker of workers) await worker.kill();
  return { point, outcome, events: readEvents(events), state, ledger, tookMs };
}

export function judge(baseline: Trial, trial: Trial): Verdict {
  const found = [
    ...(trial.outcome === baseline.outcome ? [] : [`outcome: ${trial.outcome}`]),
    ...differences(baseline.state, trial.state),
    ...differences(asText(baseline.ledger.effects), asText(trial.ledger.effects)),
  ];
  return {
    ran: trial.events.some(({ kind }) => kind === 'kill'),
    equal: found.length === 0,
    differences: found,
    resumedAfterMs: resumedAfter(trial.events),
    repeatedMessages: trial.ledger.repeatedMessages,
  };
}

function asText(effects: Record<string, number>): State {
  return Object.fromEntries(Object.entries(effects).map(([effect, count]) => [effect, `${count} times`]));
}
