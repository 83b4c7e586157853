/** From a command to what the system is asked to start. Everything that can be refused beforehand is refused here. */
import { existsSync, statSync } from 'node:fs';
import type { Command } from './contract.ts';
import { environmentFor, findProgram } from './environment.ts';
import { CommandError } from './error.ts';
import { render } from './render.ts';
import { identityFor } from './users.ts';

export interface Prepared {
  file: string;
  args: string[];
  environment: Record<string, string>;
  directory?: string;
  uid?: number;
  gid?: number;
}

export interface Keeping {
  /** Sends SIGTERM to the command when this process dies, however it dies. Linux with util-linux only. */
  dieWithUs: boolean;
}

/**
 * Throws a CommandError for a NUL, an unknown account or directory (`spawn`) and for a program that is not there
 * (`not-found`).
 */
export function prepare(command: Command, keeping: Keeping): Prepared {
  const { argv, directory } = command;
  refuseNul(command);
  const identity = identityFor(command.user);
  if (identity.problem !== undefined) throw refusal(command, 'spawn', `Not started: ${identity.problem}`);
  if (directory !== undefined && !isDirectory(directory)) {
    throw refusal(command, 'spawn', `Not started: there is no directory ${directory}`);
  }
  const environment = environmentFor(command.environment, identity.account);
  const program = findProgram(argv[0], environment['PATH'], directory);
  if (program === undefined) throw refusal(command, 'not-found', missing(argv[0], environment['PATH'] ?? ''));

  const { account } = identity;
  const changes = account !== undefined && process.getuid?.() === 0;
  const base = { environment, ...(directory === undefined ? {} : { directory }) };
  const setpriv = setprivPath();
  if (setpriv && (changes || keeping.dieWithUs)) {
    const options = [
      ...(changes ? [`--reuid=${account.uid}`, `--regid=${account.gid}`, '--init-groups'] : []),
      ...(keeping.dieWithUs ? ['--pdeathsig', 'TERM'] : []),
    ];
    return { ...base, file: setpriv, args: [...options, '--', program, ...argv.slice(1)] };
  }
  return {
    ...base,
    file: program,
    args: argv.slice(1),
    ...(changes ? { uid: account.uid, gid: account.gid } : {}),
  };
}

function refuseNul({ argv, environment = {}, directory = '' }: Command): void {
  const inArgument = argv.findIndex((argument) => argument.includes('\0'));
  if (inArgument >= 0) {
    // The command itself is not shown: the text around a NUL is nobody's to trust.
    const what = `Not started: argument ${inArgument} contains a NUL character, where the system would cut it off`;
    throw new CommandError({
      command: render([argv[0].replaceAll('\0', '\\0'), '…']),
      reason: 'spawn',
      what,
    });
  }
  const named = Object.entries(environment).find(([name, value]) => `${name}${value}`.includes('\0'));
  if (named || directory.includes('\0')) {
    const where = named ? `the environment variable ${JSON.stringify(named[0])}` : 'the working directory';
    throw new CommandError({
      command: render(argv),
      reason: 'spawn',
      what: `Not started: ${where} contains a NUL character`,
    });
  }
}

function refusal(command: Command, reason: 'spawn' | 'not-found', what: string): CommandError {
  return new CommandError({ command: render(command.argv, command.secrets), reason, what });
}

function missing(program: string, searchPath: string): string {
  if (!program.includes('/')) return `There is no program "${program}" on the PATH (${searchPath})`;
  return existsSync(program) ? `${program} is not an executable file` : `There is no program ${program}`;
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

let setpriv: string | null | undefined;

/** util-linux' setpriv: it can tie a command to our life, and sets an account's supplementary groups as login does. */
function setprivPath(): string | null {
  if (setpriv === undefined) {
    const candidates = process.platform === 'linux' ? ['/usr/bin/setpriv', '/bin/setpriv'] : [];
    // Busybox has a setpriv without these options.
    setpriv = candidates.find((file) => existsSync(file) && !isBusybox(file)) ?? null;
  }
  return setpriv;
}

function isBusybox(file: string): boolean {
  const busybox = statSync('/bin/busybox', { throwIfNoEntry: false });
  const own = statSync(file);
  return busybox !== undefined && busybox.ino === own.ino && busybox.dev === own.dev;
}
