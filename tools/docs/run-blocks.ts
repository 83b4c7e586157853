/** Runs the code blocks that are marked to be run, in the checkout, as a reader would. */
import { symlink } from 'node:fs/promises';
import path from 'node:path';
import { temporaryDirectory } from '../lib/directories.ts';
import { CommandFailed, run } from '../lib/run.ts';
import type { Block } from './blocks.ts';
import { root } from './markdown.ts';

/** What it did wrong, or undefined. `environment` is added to this process's. */
export async function problemOf(
  block: Block,
  environment: Record<string, string>,
): Promise<string | undefined> {
  const parts = block.language === 'console' ? conversation(block.text) : [{ command: block.text }];
  for (const part of parts) {
    try {
      const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', part.command], {
        cwd: root,
        env: environment,
        timeoutMs: 120_000,
      });
      if ('output' in part && !agrees(stdout, part.output))
        return `\`${part.command}\` printed:\n${stdout}\nand not:\n${part.output}`;
    } catch (error) {
      if (error instanceof CommandFailed) return error.message;
      throw error;
    }
  }
  return undefined;
}

/** Where `runbook` is found by that name, as it is where the package is installed. */
export async function pathWithCommand(): Promise<string> {
  const directory = await temporaryDirectory();
  await symlink(path.join(root, 'bin', 'runbook.js'), path.join(directory, 'runbook'));
  const binaries = path.join(root, 'node_modules', '.bin');
  return [directory, binaries, process.env['PATH'] ?? ''].join(path.delimiter);
}

function conversation(text: string): { command: string; output: string }[] {
  const parts: { command: string; output: string }[] = [];
  for (const line of text.split('\n')) {
    const last = parts.at(-1);
    if (line.startsWith('$ ')) parts.push({ command: line.slice(2), output: '' });
    else if (last) last.output += `${line}\n`;
  }
  return parts;
}

/** Whether lines are as expected; an expected line `...` stands for any lines, also for none. */
export function agrees(printed: string, expected: string): boolean {
  const clean = (text: string) =>
    text
      .split('\n')
      .map((line) => line.trimEnd())
      .join('\n')
      .trim();
  const pattern = clean(expected)
    .split('\n')
    .map((line) => (line.trim() === '...' ? '(?:.*\\n)*?' : `${RegExp.escape(line)}\\n`))
    .join('');
  return new RegExp(`^${pattern}$`).test(`${clean(printed)}\n`);
}
