/** `runbook` commands in the documentation that the command itself does not know. */
import { Writable } from 'node:stream';
import type { Command } from 'commander';
import { Context } from '../../src/client/context.ts';
import { buildProgram } from '../../src/client/program.ts';
import { loadRunbooks } from '../../src/client/runbooks.ts';
import { proseOf, type Block } from './blocks.ts';

export async function theCommand(): Promise<Command> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const stream = nowhere as unknown as NodeJS.WriteStream;
  return buildProgram(new Context({ stdout: stream, stderr: stream, env: {} }), await loadRunbooks());
}

/** Every `runbook …` in code blocks of commands, and in code within the text. */
export function commandsIn(
  file: string,
  markdown: string,
  blocks: readonly Block[],
): { where: string; words: string[] }[] {
  const shown = blocks
    .filter(({ language }) => ['sh', 'console', 'bash'].includes(language))
    .flatMap(({ line, text, language }) =>
      text.split('\n').map((command, index) => ({ command, language, where: `${file}:${line + index}` })),
    )
    .filter(({ command, language }) => language !== 'console' || command.startsWith('$ '));
  const inline = proseOf(markdown)
    .split('\n')
    .flatMap((line, index) =>
      [...line.matchAll(/`([^`]+)`/g)].map((found) => ({
        command: found[1] ?? '',
        where: `${file}:${index + 1}`,
      })),
    );
  return [...shown, ...inline].flatMap(({ command, where }) => {
    const found = /^(?:\$ )?(?:npx )?runbook (.*)$/.exec(command.trim());
    return found ? [{ where, words: split(found[1] ?? '') }] : [];
  });
}

/** What is wrong with a command, or undefined. */
export function mistakeIn(program: Command, words: readonly string[]): string | undefined {
  let command = program;
  for (const word of words.filter((one) => !one.startsWith('-'))) {
    const child = command.commands.find((one) => one.name() === word);
    if (child) command = child;
    else if (command.commands.length > 0 && /^[a-z]/.test(word) && !isValue(words, word))
      return `there is no \`runbook ${word}\``;
    else break;
  }
  const known = new Set(['--help', '-h']);
  for (let one: Command | null = command; one; one = one.parent)
    for (const option of one.options) known.add(option.long ?? '');
  const unknown = words.find((word) => word.startsWith('--') && !known.has(word.split('=')[0] ?? ''));
  return unknown === undefined ? undefined : `\`runbook ${command.name()}\` has no ${unknown}`;
}

function isValue(words: readonly string[], word: string): boolean {
  return words[words.indexOf(word) - 1]?.startsWith('--') ?? false;
}

/** As a shell would, as far as the documentation needs it: quotes, comments, and no further than one command. */
function split(text: string): string[] {
  const words: string[] = [];
  for (const [word] of text.matchAll(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g)) {
    if (/^[#|&;>\\]/.test(word)) break;
    words.push(word.replace(/^(["'])(.*)\1$/, '$2'));
  }
  return words;
}
