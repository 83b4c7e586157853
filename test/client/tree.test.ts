/** The live tree: fits any terminal, hides what is over first, and cannot be steered by what it shows. */
import pc from 'picocolors';
import { describe, expect, test } from 'vitest';
import type { PendingActivity, Snapshot } from '../../src/client/observe.ts';
import { LiveBlock } from '../../src/client/render/terminal.ts';
import { Rates, transferText } from '../../src/client/render/transfer.ts';
import { treeLines } from '../../src/client/render/tree.ts';
import { visibleLength } from '../../src/client/text.ts';
import { EventSource } from '../../src/client/events.ts';
import type { ProgressView, StepView } from '../../src/workflows/contract.ts';

const start = Date.parse('2026-01-02T03:00:00Z');
const now = start + 90_000;
const colors = pc.createColors(false);

function step(id: string, state: StepView['state'], more: Partial<StepView> = {}): StepView {
  const over =
    state === 'running' || state === 'parked' ? {} : { endedAt: new Date(start + 12_000).toISOString() };
  return {
    id,
    title: `Step number ${id}`,
    state,
    startedAt: new Date(start).toISOString(),
    children: [],
    ...over,
    ...more,
  };
}

function snapshot(
  steps: StepView[],
  more: Partial<ProgressView> = {},
  activities: PendingActivity[] = [],
): Snapshot {
  const progress: ProgressView = {
    runbook: 'full-backup',
    title: 'Full backup',
    system: 'shop',
    workflowId: 'full-backup/shop/abc',
    runId: 'r',
    requestedBy: 'ada',
    dryRun: false,
    phase: 'running',
    headline: 'Running',
    startedAt: new Date(start).toISOString(),
    steps,
    parked: [],
    skippable: [],
    ...more,
  };
  return { id: 'full-backup/shop/abc', status: 'RUNNING', progress, activities, trouble: undefined };
}

const draw = (view: Snapshot, more: { width?: number; height?: number; rates?: Rates; at?: number } = {}) =>
  treeLines(view, {
    now: more.at ?? now,
    width: more.width ?? 100,
    height: more.height ?? 40,
    colors,
    address: 'here:7233',
    ...(more.rates ? { rates: more.rates } : {}),
  });

test('marks, times, notes, and the transfer under its step', () => {
  const dumping: PendingActivity = {
    id: '7',
    type: 'dumpStore',
    title: 'Step number 2.1',
    attempt: 3,
    lastFailure: 'connection reset\nmore',
    progress: { note: 'dumping', done: 1_200_000_000, total: 4_000_000_000, unit: 'bytes' },
  };
  const lines = draw(
    snapshot(
      [
        step('1', 'done', { note: '23 tables' }),
        step('2', 'running', { children: [step('2.1', 'running'), step('2.2', 'already-done')] }),
      ],
      {},
      [dumping],
    ),
  );
  expect(lines).toEqual([
    'Full backup  shop  running  1m30s  full-backup/shop/abc',
    'Running',
    '  ✓ 1 Step number 1  12s  23 tables',
    '  ▸ 2 Step number 2  1m30s',
    '    ▸ 2.1 Step number 2.1  1m30s',
    '        dumping  1.2 GB of 4.0 GB  30 %',
    '        attempt 3: connection reset',
    '    = 2.2 Step number 2.2  already-done  12s',
  ]);
});

test('rates come from two looks', () => {
  const rates = new Rates();
  expect(rates.rate('7', 0, 0)).toBeUndefined();
  expect(rates.rate('7', 85_000_000, 1000)).toBe(85_000_000);
  // A new attempt begins again.
  expect(rates.rate('7', 10, 2000)).toBeUndefined();
  expect(transferText({ note: 'x', done: 5, unit: 'rows' }, 2)).toBe('x  5 rows  2 rows/s');
});

describe('fits', () => {
  const many = snapshot([
    ...Array.from({ length: 30 }, (_, index) =>
      step(String(index + 1), 'done', {
        children: [step(`${index + 1}.1`, 'done'), step(`${index + 1}.2`, 'done')],
      }),
    ),
    step('31', 'running', { children: [step('31.1', 'running')] }),
  ]);

  test.each([5, 8, 12, 24, 50])('%i rows: never more, and always what runs', (height) => {
    const lines = draw(many, { height });
    expect(lines.length).toBeLessThanOrEqual(height);
    expect(lines.join('\n')).toContain('31.1 Step number 31.1');
  });

  test('finished groups are folded before anything is hidden', () => {
    const lines = draw(many, { height: 40 });
    expect(lines.join('\n')).toContain('(2 steps)');
    expect(lines.join('\n')).toContain('  ✓ 1 Step number 1');
    const small = draw(many, { height: 12 });
    expect(small.join('\n')).toMatch(/\.\.\. \d+ finished steps above/);
  });

  test.each([20, 40, 80])('%i columns: no line is longer', (width) => {
    const long = snapshot([
      step('1', 'failed', { title: 'x'.repeat(500), failure: { type: 'T', message: 'y'.repeat(500) } }),
    ]);
    for (const line of treeLines(long, {
      now,
      width,
      height: 30,
      colors: pc.createColors(true),
      address: 'a',
    })) {
      expect(visibleLength(line)).toBeLessThanOrEqual(width);
    }
  });
});

test('text from elsewhere cannot steer the terminal', () => {
  const evil = snapshot([
    step('1', 'done', { title: 'a\u001b[2Jb\u202ec\nd\u0007', note: '\u001b]0;owned\u0007' }),
  ]);
  const text = draw(evil).join('\n');
  // eslint-disable-next-line no-control-regex -- exactly these must not be there
  expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
  expect(text).toContain('abc d');
});

test('what waits for people comes with the exact commands', () => {
  const parked = draw(
    snapshot([step('1', 'parked')], { phase: 'parked', parked: ['1'], skippable: ['1'] }),
  ).join('\n');
  expect(parked).toContain('runbook retry full-backup/shop/abc --step 1');
  expect(parked).toContain("runbook skip full-backup/shop/abc --step 1 --reason '...'");
  expect(parked).toContain("runbook abort full-backup/shop/abc --reason '...'");
  const digest = 'a'.repeat(64);
  const approval = {
    id: '1',
    title: 'Swap',
    plan: ['drop x'],
    digest,
    approvers: ['ada'],
    quorum: 2,
    approvedBy: [],
    deadline: 'soon',
    onTimeout: 'reject' as const,
  };
  const asked = draw(snapshot([], { phase: 'waiting-approval', approval })).join('\n');
  expect(asked).toContain('drop x');
  expect(asked).toContain('runbook approve full-backup/shop/abc --digest aaaaaaaaaaaa');
});

test('trouble is named once it lasts, with what was seen last still there', () => {
  const view: Snapshot = {
    ...snapshot([step('1', 'running')]),
    trouble: { kind: 'no-worker', since: now - 12_000, detail: '' },
  };
  const text = draw(view).join('\n');
  expect(text).toContain(
    'No worker has answered for 12 s: is `runbook worker` running? The run itself is safe.',
  );
  expect(text).toContain('Step number 1');
  expect(
    draw({ ...view, trouble: { kind: 'no-worker', since: now - 1000, detail: '' } }).join('\n'),
  ).not.toContain('No worker');
});

test('the block is redrawn in place: a shorter one leaves nothing behind', () => {
  const written: string[] = [];
  const block = new LiveBlock({ write: (text) => written.push(text), columns: 80, rows: 24 });
  block.draw(['one', 'two', 'three']);
  block.draw(['one']);
  expect(written[1]).toContain('\u001b[3A');
  expect(written[1]?.endsWith('\u001b[J')).toBe(true);
  block.draw(['one']);
  expect(written).toHaveLength(2);
  block.clear();
  expect(written[2]).toContain('\u001b[1A');
  expect(written[2]).toContain('\u001b[?25h');
});

test('events: each change once', () => {
  const source = new EventSource('a');
  const first = source.next(snapshot([step('1', 'running')]), now);
  expect(first.map(({ event }) => event)).toEqual(['step', 'phase']);
  expect(source.next(snapshot([step('1', 'running')]), now)).toEqual([]);
  expect(source.next(snapshot([step('1', 'done')]), now)).toMatchObject([
    { event: 'step', state: 'done', tookMs: 12_000 },
  ]);
  const asking = snapshot([step('1', 'parked')], { phase: 'parked', parked: ['1'], skippable: ['1'] });
  expect(source.next(asking, now).map(({ event }) => event)).toEqual(['step', 'phase', 'question']);
  expect(source.next({ ...asking }, now)).toEqual([]);
});

test('events: a step that was tried again and failed again is asked about again', () => {
  const source = new EventSource('a');
  const parkedAt = (since: string) =>
    snapshot([step('1', 'parked')], {
      phase: 'parked',
      parked: ['1'],
      skippable: [],
      escalation: { reason: 'it failed', level: 1, since, acknowledgedBy: 'ana' },
    });
  const first = parkedAt('2026-01-01T00:00:00.000Z');
  expect(source.next(first, now).filter(({ event }) => event === 'question')).toHaveLength(1);
  expect(source.next({ ...first }, now)).toEqual([]);
  // Tried and failed between two looks.
  const second = parkedAt('2026-01-01T00:01:00.000Z');
  expect(source.next(second, now).filter(({ event }) => event === 'question')).toHaveLength(1);
});
