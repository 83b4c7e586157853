/**
 * docs/benchmarks.md, written from the figures and nothing else. They are kept beside it as data, so that measuring some
 * again (`--only`) leaves the others, each with the day it was measured on.
 */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { machineFacts } from './machine.ts';
import type { Result } from './result.ts';

const file = path.resolve(import.meta.dirname, '../../../docs/benchmarks.md');
const data = path.resolve(import.meta.dirname, '../../../docs/benchmarks.json');

type Kept = Result & { measuredAt: string };

const introduction = `# Benchmarks

Written by \`npm run bench -- --write-docs\`; do not edit. Both sides of every ratio are measured in the same run, in
turns, and what one side has written is on the disk before the other begins. The other side is a plain shell script that
does the same job as fast as it can be done plainly: see \`test/bench/scripts/\`. A target that is missed is shown as missed.
`;

/** @param order ids of all there are: the order of the table. */
export async function writeDocs(
  measured: readonly Result[],
  order: readonly string[],
  bytes: number,
): Promise<string> {
  const results = await keep(measured, order);
  const facts = await machineFacts();
  const lines = [
    introduction,
    '## Figures',
    '',
    '| Benchmark | Figure | Target | | Measured |',
    '| --- | --- | --- | --- | --- |',
    ...results.map(
      ({ id, value, unit, target, pass, measuredAt }) =>
        `| ${id} | ${value} ${unit} | ${target ?? 'none'} | ${pass === null ? '' : pass ? 'met' : '**missed**'} | ${measuredAt} |`,
    ),
    '',
    '## Where',
    '',
    ...facts.map(([name, fact]) => `- ${name}: ${fact}`),
    `- Database asked for: ${bytes / 1e9} GB with its indexes`,
    '- Everything (PostgreSQL, S3 server, Temporal, worker, script) shares these cores and one disk.',
    '',
    '## Raw figures',
    ...results.flatMap(({ id, detail }) => ['', `### ${id}`, '', ...bullets(detail)]),
    '',
  ];
  await writeFile(file, lines.join('\n'));
  return file;
}

async function keep(measured: readonly Result[], order: readonly string[]): Promise<Kept[]> {
  const known = new Map<string, Kept>();
  const text = await readFile(data, 'utf8').catch(() => '[]');
  for (const result of JSON.parse(text) as Kept[]) known.set(result.id, result);
  const measuredAt = new Date().toISOString().slice(0, 10);
  for (const result of measured) known.set(result.id, { ...result, measuredAt });
  const kept = order.flatMap((id) => known.get(id) ?? []);
  await writeFile(data, `${JSON.stringify(kept, null, 1)}\n`);
  return kept;
}

function bullets(detail: Record<string, unknown>): string[] {
  return Object.entries(detail).map(([name, value]) => {
    const shown = typeof value === 'string' ? value : `\`${JSON.stringify(value)}\``;
    return `- ${name}: ${shown}`;
  });
}
