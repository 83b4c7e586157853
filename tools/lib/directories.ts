/** Temporary directories that a server run as another user can enter, and that are removed at the end. */
import { rmSync } from 'node:fs';
import { chmod, mkdtemp, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

const created = new Set<string>();
let cleanupRegistered = false;

/**
 * A new empty directory, removed when this process ends. It is closed to others; as root it can be entered (not
 * listed) by other users, because servers such as PostgreSQL refuse to run as root.
 */
export async function temporaryDirectory(prefix = 'runbooks-', parent = tmpdir()): Promise<string> {
  const directory = await mkdtemp(path.join(parent, prefix));
  if (process.getuid?.() === 0) await chmod(directory, 0o711);
  created.add(directory);
  if (!cleanupRegistered) {
    cleanupRegistered = true;
    process.once('exit', removeTemporaryDirectories);
  }
  return directory;
}

/** Removes what {@link temporaryDirectory} made; called at the end, and before a signal ends this process. */
export function removeTemporaryDirectories(): void {
  for (const directory of created) {
    try {
      rmSync(directory, { recursive: true, force: true, maxRetries: 3, retryDelay: 50 });
    } catch {
      // A server that is still ending may write while its directory goes; the system's own cleaning takes the rest.
    }
  }
}

/**
 * Checks that a user who owns nothing on the way can reach `directory`.
 * @throws Error naming the first directory that is closed.
 */
export async function assertReachable(directory: string, userName: string, uid: number): Promise<void> {
  for (let ancestor = path.dirname(path.resolve(directory)); ; ancestor = path.dirname(ancestor)) {
    const { mode, uid: owner } = await stat(ancestor);
    if ((mode & 0o001) === 0 && owner !== uid) {
      throw new Error(
        `The user ${userName} cannot enter ${ancestor}, so it cannot keep data in ${directory}. ` +
          `Give a directory below ${tmpdir()}, or run: chmod o+x ${ancestor}`,
      );
    }
    if (ancestor === path.dirname(ancestor)) return;
  }
}
