/** Completion scripts for bash, zsh and fish: every command path with its subcommands and options. */
import type { Command } from 'commander';

export type Shell = 'bash' | 'zsh' | 'fish';

interface Entry {
  /** `run full-backup`; empty for the program itself. */
  path: string;
  commands: { name: string; summary: string }[];
  options: { long: string; summary: string }[];
}

export function completionScript(program: Command, shell: Shell): string {
  const globals = optionsOf(program);
  const entries = walk(program, '').map((entry) => ({
    ...entry,
    options: [...entry.options, ...(entry.path === '' ? [] : globals)],
  }));
  if (shell === 'bash') return bash(entries);
  return shell === 'zsh' ? zsh(entries) : fish(entries);
}

function walk(command: Command, path: string): Entry[] {
  const children = command.commands.map((child) => ({
    name: child.name(),
    summary: child.summary() || child.description(),
  }));
  return [
    { path, commands: children, options: optionsOf(command) },
    ...command.commands.flatMap((child) =>
      walk(child, path === '' ? child.name() : `${path} ${child.name()}`),
    ),
  ];
}

function optionsOf(command: Command): Entry['options'] {
  const own = command.options.flatMap(({ long, description }) =>
    long ? [{ long, summary: description }] : [],
  );
  return [...own, { long: '--help', summary: 'show help' }];
}

function words(entry: Entry): string {
  return [...entry.commands.map(({ name }) => name), ...entry.options.map(({ long }) => long)].join(' ');
}

/** The path is the words before the cursor that are commands: found by taking each word that leads to a known path. */
function bash(entries: readonly Entry[]): string {
  return `# bash completion for runbook
_runbook() {
  local word path='' i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    case " \${path:+$path }$word" in
${entries
  .filter(({ path }) => path !== '')
  .map(({ path }) => `      ' ${path}') path='${path}' ;;`)
  .join('\n')}
    esac
  done
  local words=''
  case "$path" in
${entries.map((entry) => `    '${entry.path}') words='${words(entry)}' ;;`).join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -F _runbook runbook`;
}

function zsh(entries: readonly Entry[]): string {
  const describe = ({ commands, options }: Entry) =>
    [
      ...commands.map(({ name, summary }) => [name, summary]),
      ...options.map(({ long, summary }) => [long, summary]),
    ]
      .map(([name = '', summary = '']) => quoted(`${name}:${summary.replaceAll(':', ' ')}`))
      .join(' ');
  return `#compdef runbook
_runbook() {
  local path_='' word
  for word in \${words[2,CURRENT-1]}; do
    case " \${path_:+$path_ }$word" in
${entries
  .filter(({ path }) => path !== '')
  .map(({ path }) => `      ' ${path}') path_='${path}' ;;`)
  .join('\n')}
    esac
  done
  local -a known
  case "$path_" in
${entries.map((entry) => `    '${entry.path}') known=(${describe(entry)}) ;;`).join('\n')}
  esac
  _describe 'runbook' known
}
compdef _runbook runbook`;
}

function fish(entries: readonly Entry[]): string {
  const lines = ['# fish completion for runbook', 'complete -c runbook -f'];
  for (const { path, commands, options } of entries) {
    const parts = path === '' ? [] : path.split(' ');
    const here =
      path === ''
        ? '__fish_use_subcommand'
        : [
            ...parts.map((part) => `__fish_seen_subcommand_from ${part}`),
            ...(commands.length > 0
              ? [`not __fish_seen_subcommand_from ${commands.map(({ name }) => name).join(' ')}`]
              : []),
          ].join('; and ');
    for (const { name, summary } of commands)
      lines.push(`complete -c runbook -n '${here}' -a ${name} -d ${quoted(summary)}`);
    for (const { long, summary } of options)
      lines.push(`complete -c runbook -n '${here}' -l ${long.slice(2)} -d ${quoted(summary)}`);
  }
  return lines.join('\n');
}

/** For a single-quoted string of all three shells: the quote itself is left out rather than escaped three ways. */
function quoted(text: string): string {
  return `'${text.replaceAll(/['\\\n]/g, '')}'`;
}
