/**
 * `node tools/check-docs.ts [files...]`: that the documentation tells the truth. Links lead somewhere, files it names exist,
 * every `runbook` command in it has the subcommands and options it uses, the code blocks marked `check` run (see
 * docs/blocks.ts), and no committed file names a path of this machine or a package registry.
 */
import { mkdir, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { type Block, blocksOf } from './docs/blocks.ts';
import { commandsIn, mistakeIn, theCommand } from './docs/commands.ts';
import { foreignNames } from './docs/foreign.ts';
import { brokenLinks } from './docs/links.ts';
import { root } from './docs/markdown.ts';
import { pathWithCommand, problemOf } from './docs/run-blocks.ts';
import { temporaryDirectory } from './lib/directories.ts';
import { startTemporalDevServer } from './servers/temporal.ts';

const asked = process.argv.slice(2);
const files = asked.length > 0 ? asked : ['README.md', ...(await pagesBelow('docs'))];
const problems = asked.length > 0 ? [] : await foreignNames();
const program = await theCommand();
const marked: Block[] = [];
let commands = 0;

for (const file of files) {
  const markdown = await readFile(path.join(root, file), 'utf8');
  const blocks = blocksOf(file, markdown);
  problems.push(...(await brokenLinks(file, markdown)));
  for (const { where, words } of commandsIn(file, markdown, blocks)) {
    commands += 1;
    const mistake = mistakeIn(program, words);
    if (mistake) problems.push(`${where}: ${mistake}`);
  }
  marked.push(...blocks.filter(({ words }) => words.includes('check')));
}
problems.push(...(await runAll(marked)));

for (const problem of problems) console.error(problem);
console.log(
  `${files.length} pages, ${commands} commands read, ${marked.length} blocks run: ${problems.length} problem${problems.length === 1 ? '' : 's'}`,
);
process.exitCode = problems.length === 0 ? 0 : 1;

async function runAll(blocks: readonly Block[]): Promise<string[]> {
  const wanted = blocks.some(({ words }) => words.includes('temporal'));
  const directory = await temporaryDirectory();
  await mkdir(path.join(directory, 'temporal'));
  const server = wanted
    ? await startTemporalDevServer({ directory: path.join(directory, 'temporal') })
    : undefined;
  try {
    const environment = {
      PATH: await pathWithCommand(),
      NO_COLOR: '1',
      TEMPORAL_CONFIG_FILE: '/dev/null',
      RUNBOOK_AS: 'reader',
      // Blocks without a server must not find somebody's.
      TEMPORAL_ADDRESS: '127.0.0.1:1',
    };
    const found: string[] = [];
    for (const block of blocks) {
      const address = server && block.words.includes('temporal') ? { TEMPORAL_ADDRESS: server.address } : {};
      const problem = await problemOf(block, { ...environment, ...address });
      if (problem) found.push(`${block.file}:${block.line}: ${problem}`);
    }
    return found;
  } finally {
    await server?.stop();
  }
}

async function pagesBelow(directory: string): Promise<string[]> {
  const names = await readdir(path.join(root, directory), { recursive: true });
  return names
    .filter((name) => name.endsWith('.md'))
    .map((name) => `${directory}/${name}`)
    .sort();
}
