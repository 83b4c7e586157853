import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { exitCodes } from '../../src/client/exit-codes.ts';
import { allRunbooks } from '../../src/workflows/catalogue.ts';
import { generatedPages } from '../../tools/docs/pages.ts';
import { table } from '../../tools/docs/markdown.ts';
import { draw, published, type Recording } from '../../tools/draw-run.ts';

const root = new URL('../../', import.meta.url);
const pages = await generatedPages();

test.each([...pages])('%s is what `node tools/generate-docs.ts` writes', async (file, text) => {
  expect(await readFile(new URL(file, root), 'utf8')).toBe(text);
});

test('the reference has every runbook and every field of its input, and the operations page every exit code', () => {
  const reference = pages.get('docs/runbooks.md') ?? '';
  for (const { name, input } of allRunbooks) {
    const [, section = ''] = reference.split(`\n## ${name}\n`);
    const own = Object.keys(input.shape).filter(
      (field) => !['system', 'requestedBy', 'dryRun', 'whenBusy'].includes(field),
    );
    for (const field of own)
      expect(section.split('\n## ')[0]).toMatch(new RegExp(`^\\| \`${field}\` +\\|`, 'm'));
  }
  for (const code of Object.values(exitCodes))
    expect(pages.get('docs/operations.md')).toMatch(new RegExp(`^\\| ${code} +\\|`, 'm'));
});

test('a cell is neither a column nor a tag', () => {
  expect(table(['a'], [['x | <b> `<c>`\ny']])).toBe('| a |\n| --- |\n| x \\| &lt;b> `<c>` y |');
});

test('the picture of the README is drawn from the run beside it', async () => {
  const recording = JSON.parse(
    await readFile(new URL('docs/images/recovery.json', root), 'utf8'),
  ) as Recording;
  expect(await readFile(new URL('docs/images/recovery.svg', root), 'utf8')).toBe(draw(recording));
  expect(recording.report.outcome).toBe('completed');
  // The worker was killed while a step was under way.
  const killed = recording.marks[0]?.at ?? '';
  const during = recording.report.steps.filter(
    (step) => step.startedAt < killed && (step.endedAt ?? '') > killed,
  );
  expect(during.map(({ title }) => title)).toEqual(['Restore main beside the live data']);
});

test('bars are as long as their steps, and text cannot leave its place', () => {
  const at = (seconds: number) => new Date(Date.UTC(2026, 0, 2, 3, 0, seconds)).toISOString();
  const step = (id: string, from: number, to: number) => ({
    ...{ id, title: `<${id}> & "co"`, state: 'done' as const, note: '/srv/checkout/.demo/x' },
    ...{ startedAt: at(from), endedAt: at(to), commands: ['rm /srv/checkout'], children: [] },
  });
  const report = {
    ...{ runbook: 'full-backup', system: 'shop', workflowId: 'w', outcome: 'completed' as const },
    ...{ startedAt: at(0), endedAt: at(40), tookMs: 40_000, steps: [step('1', 0, 10), step('2', 10, 40)] },
  };
  const recording = published({ report, marks: [{ at: at(20), text: 'killed' }] }, '/srv/checkout');
  expect(JSON.stringify(recording)).not.toContain('/srv');
  const svg = draw(recording);
  const bars = [...svg.matchAll(/<rect x="([\d.]+)" y="[\d.]+" width="([\d.]+)"/g)].map((found) =>
    found.slice(1).map(Number),
  ) as [number, number][];
  expect(bars).toHaveLength(2);
  const [[firstX, first] = [0, 0], [secondX, second] = [0, 0]] = bars;
  expect(second / first).toBeCloseTo(3, 1);
  expect(firstX + first).toBeCloseTo(secondX, 0);
  expect(svg).toContain('&lt;1> &amp; &quot;co&quot;');
  // Half of the time, half of the width.
  expect(svg).toContain(`x1="${firstX + (secondX + second - firstX) / 2}"`);
});
