/** Accounts of this machine, from /etc/passwd. */
import { readFileSync, statSync } from 'node:fs';

export interface Account {
  name: string;
  uid: number;
  gid: number;
  home: string;
}

let cached: { modified: number; accounts: Map<string, Account> } | undefined;

/** The account of that name, or undefined. Accounts that only a directory service knows are not found here. */
export function findAccount(name: string): Account | undefined {
  return accounts().get(name);
}

function accounts(): Map<string, Account> {
  let modified: number;
  try {
    modified = statSync('/etc/passwd').mtimeMs;
  } catch {
    return new Map();
  }
  if (cached?.modified === modified) return cached.accounts;
  const found = new Map<string, Account>();
  for (const line of readFileSync('/etc/passwd', 'utf8').split('\n')) {
    const [name, , uid, gid, , home] = line.split(':');
    if (!name || !/^\d+$/.test(uid ?? '') || !/^\d+$/.test(gid ?? '')) continue;
    found.set(name, { name, uid: Number(uid), gid: Number(gid), home: home || '/' });
  }
  cached = { modified, accounts: found };
  return found;
}

export type Identity = { account?: Account; problem?: undefined } | { problem: string };

/**
 * Whom a command asked to run as `user` runs as. Only root can become somebody else.
 * Supplementary groups: without util-linux' `setpriv` they are all dropped, not only those of root.
 */
export function identityFor(user: string | undefined): Identity {
  if (user === undefined) return {};
  const account = findAccount(user);
  if (!account) return { problem: `there is no account "${user}" on this machine` };
  const own = process.getuid?.();
  if (own === 0 || own === account.uid) return { account };
  return {
    problem: `only root can start a command as "${user}", and this worker runs with uid ${String(own)}`,
  };
}
