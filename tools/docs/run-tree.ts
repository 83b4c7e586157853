/** The run of docs/images/recovery.json as `runbook watch` shows it at its end. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import pc from 'picocolors';
import { treeLines } from '../../src/client/render/tree.ts';
import { allRunbooks } from '../../src/workflows/catalogue.ts';
import type { ProgressView } from '../../src/workflows/contract.ts';
import type { Recording } from '../draw-run.ts';
import { fence, root } from './markdown.ts';

const width = 118;

export async function runTree(): Promise<string> {
  const recording = await readFile(path.join(root, 'docs/images/recovery.json'), 'utf8');
  const { report } = JSON.parse(recording) as Recording;
  const title = allRunbooks.find(({ name }) => name === report.runbook)?.title ?? report.runbook;
  const progress: ProgressView = {
    ...report,
    title,
    runId: '',
    requestedBy: '',
    dryRun: false,
    phase: 'completed',
    headline: '',
    parked: [],
    skippable: [],
  };
  const lines = treeLines(
    { id: report.workflowId, status: 'COMPLETED', progress, activities: [], trouble: undefined },
    {
      now: Date.parse(report.endedAt),
      width,
      height: Number.MAX_SAFE_INTEGER,
      colors: pc.createColors(false),
      address: '',
    },
  );
  return fence('text', lines.join('\n'));
}
