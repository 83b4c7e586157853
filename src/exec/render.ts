/** How a command is shown to a person: it can be pasted into a shell, it holds no secret, and it cannot pretend to be two. */
import { redact } from './redact.ts';

const plain = /^[A-Za-z0-9_@%+=:,./-]+$/;
/** Control characters, line separators, and the marks that reverse the direction of text: shown as escapes. */
// eslint-disable-next-line no-control-regex
const deceptive = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/;

/**
 * One line for a POSIX shell. An argument with control characters or invisible marks is written `$'…'` (POSIX.1-2024; bash,
 * zsh, ksh and busybox know it), so that a line break in it cannot pass for a second command.
 */
export function render(argv: readonly string[], secrets: readonly string[] = []): string {
  return argv.map((argument) => quote(redact(argument, secrets))).join(' ');
}

/** Several commands joined by pipes. */
export function renderChain(
  commands: readonly (readonly string[])[],
  secrets: readonly string[] = [],
): string {
  return commands.map((argv) => render(argv, secrets)).join(' | ');
}

function quote(argument: string): string {
  if (plain.test(argument)) return argument;
  if (!deceptive.test(argument)) return `'${argument.replaceAll("'", `'\\''`)}'`;
  const escaped = argument
    .replaceAll('\\', '\\\\')
    .replaceAll("'", "\\'")
    .replace(new RegExp(deceptive, 'g'), (character) => escapeBytes(character));
  return `$'${escaped}'`;
}

function escapeBytes(character: string): string {
  if (character === '\n') return '\\n';
  if (character === '\t') return '\\t';
  if (character === '\r') return '\\r';
  return [...Buffer.from(character, 'utf8')].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
}
