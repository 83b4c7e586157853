/** Every file of the documentation that is generated, wholly or between two marks, as it should be. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { cliPage } from './cli-page.ts';
import { coveragePage } from './coverage-page.ts';
import { exitCodeTable } from './exit-codes-table.ts';
import { formatted, root } from './markdown.ts';
import { runTree } from './run-tree.ts';
import { runbooksPage } from './runbooks-page.ts';

/** By path from the root of the project. */
export async function generatedPages(): Promise<Map<string, string>> {
  const pages: [string, string][] = [
    ['docs/runbooks.md', runbooksPage()],
    ['docs/coverage.md', await coveragePage()],
    ['docs/cli.md', await cliPage()],
    ['README.md', await withPart('README.md', 'run', await runTree())],
    ['docs/operations.md', await withPart('docs/operations.md', 'exit codes', exitCodeTable())],
  ];
  const done = pages.map(async ([file, text]): Promise<[string, string]> => [
    file,
    await formatted(file, `${text.trimEnd()}\n`),
  ]);
  return new Map(await Promise.all(done));
}

/** A page whose part between `<!-- generated: NAME -->` and `<!-- end -->` is replaced. */
async function withPart(file: string, name: string, part: string): Promise<string> {
  const text = await readFile(path.join(root, file), 'utf8');
  const begin = `<!-- generated: ${name} -->`;
  const [before, rest] = text.split(begin);
  const end = rest?.indexOf('<!-- end -->') ?? -1;
  if (before === undefined || rest === undefined || end < 0)
    throw new Error(`${file} has no part between "${begin}" and "<!-- end -->"`);
  return `${before}${begin}\n\n${part}\n\n${rest.slice(end)}`;
}
