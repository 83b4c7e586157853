/** docs/benchmarks.md, written from the figures and nothing else. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { machineFacts } from './machine.ts';
import type { Result } from './result.ts';

const file = path.resolve(import.meta.dirname, '../../../docs/benchmarks.md');

const introduction = `# Benchmarks

Written by \`npm run bench -- --write-docs\`; do not edit. Both sides of every ratio are measured in the same run, in
turns, and what one side has written is on the disk before the other begins. The other side is a plain shell script that
does the same job as fast as it can be done plainly: see \`test/bench/scripts/\`. A target that is missed is shown as missed.
`;

export async function writeDocs(results: readonly Result[], bytes: number): Promise<string> {
  const facts = await machineFacts();
  const lines = [
    introduction,
    '## Figures',
    '',
    '| Benchmark | Figure | Target | |',
    '| --- | --- | --- | --- |',
    ...results.map(
      ({ id, value, unit, target, pass }) =>
        `| ${id} | ${value} ${unit} | ${target ?? 'none'} | ${pass === null ? '' : pass ? 'met' : '**missed**'} |`,
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

function bullets(detail: Record<string, unknown>): string[] {
  return Object.entries(detail).map(([name, value]) => {
    const shown = typeof value === 'string' ? value : `\`${JSON.stringify(value)}\``;
    return `- ${name}: ${shown}`;
  });
}
