/** Finding commands on this machine. */
import { accessSync, constants, existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';

/** The first executable of that name on PATH, as an absolute path. */
export function onPath(command: string): string | undefined {
  for (const directory of (process.env['PATH'] ?? '').split(path.delimiter)) {
    if (directory === '') continue;
    const candidate = path.join(directory, command);
    if (isExecutable(candidate)) return candidate;
  }
  return undefined;
}

/** Whether `file` is a file that we may execute. */
export function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/**
 * The directory of the newest PostgreSQL server's programs. Debian and Ubuntu keep them in versioned directories that
 * are not on PATH; elsewhere `initdb` is on PATH.
 */
export function postgresBinaries(base = '/usr/lib/postgresql'): string | undefined {
  const versions = existsSync(base) ? readdirSync(base).filter((name) => /^\d+$/.test(name)) : [];
  for (const version of versions.sort((a, b) => Number(b) - Number(a))) {
    const directory = path.join(base, version, 'bin');
    if (isExecutable(path.join(directory, 'initdb')) && isExecutable(path.join(directory, 'postgres'))) {
      return directory;
    }
  }
  const initdb = onPath('initdb');
  return initdb === undefined ? undefined : path.dirname(initdb);
}
