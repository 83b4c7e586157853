/** What a command finds around it: an allow-listed environment, never the worker's own with all that is in it. */
import { accessSync, constants, statSync } from 'node:fs';
import path from 'node:path';
import type { Account } from './users.ts';

const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const inherited = ['HOME', 'LANG', 'TZ', 'TMPDIR'] as const;

/** PATH, HOME, LANG, LC_ALL=C, TZ and TMPDIR, then what is given. Another account gets its own home and name. */
export function environmentFor(
  given: Readonly<Record<string, string>> | undefined,
  account?: Account,
): Record<string, string> {
  const environment: Record<string, string> = { PATH: process.env['PATH'] || defaultPath, LC_ALL: 'C' };
  for (const name of inherited) {
    const value = process.env[name];
    if (value !== undefined) environment[name] = value;
  }
  if (account) Object.assign(environment, { HOME: account.home, USER: account.name, LOGNAME: account.name });
  return { ...environment, ...given };
}

/** The file a program's name stands for, as execvp(3) finds it; undefined when there is none that can be executed. */
export function findProgram(
  program: string,
  searchPath: string = process.env['PATH'] || defaultPath,
  directory: string = process.cwd(),
): string | undefined {
  if (program.includes('/')) {
    const file = path.resolve(directory, program);
    return isExecutable(file) ? file : undefined;
  }
  return searchPath
    .split(':')
    .map((entry) => path.resolve(directory, entry, program))
    .find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
