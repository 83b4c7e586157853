/** Users of this machine, read from /etc/passwd. */
import { readFile } from 'node:fs/promises';

export interface SystemUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/**
 * The user a server has to run as when we are root and it refuses to be.
 * @returns undefined when we are not root: the server then runs as ourselves.
 */
export async function unprivilegedUser(name: string): Promise<SystemUser | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const passwd = await readFile('/etc/passwd', 'utf8');
  for (const line of passwd.split('\n')) {
    const [entry, , uid, gid] = line.split(':');
    if (entry === name) return { name, uid: Number(uid), gid: Number(gid) };
  }
  throw new Error(
    `The server refuses to run as root and there is no user "${name}" to run it as: install the package`,
  );
}
