/** Programs of a demonstration that still run: found by the directory they work in, ended by their number. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

import { isSameProcess, processStartTime } from '../../tools/lib/processes.ts';
import { waitUntil } from '../../tools/lib/wait.ts';

interface Leftover {
  pid: number;
  startTime: string | undefined;
  program: string;
}

/**
 * The shop's programs under `root`. One of them works in `root` or below and was started from `<root>/bin`: a shell that
 * somebody opened there is not taken for one.
 */
export function leftovers(root: string): Leftover[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((entry) => {
      const pid = Number(entry);
      try {
        const directory = readlinkSync(`/proc/${pid}/cwd`);
        const program = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0', 1)[0] ?? '';
        const isOurs = directory === root || directory.startsWith(`${root}/`);
        if (!isOurs || !program.startsWith(`${root}/bin/`)) return [];
        return [{ pid, startTime: processStartTime(pid), program }];
      } catch {
        return []; // It ended meanwhile, or belongs to somebody else.
      }
    });
}

/** Ends them in order: applications, then databases; SIGKILL for what does not end within ten seconds. */
export async function stopLeftovers(root: string): Promise<string[]> {
  const found = leftovers(root);
  const isDatabase = ({ program }: Leftover) => /\/(postgres|redis-server)\b/.test(program);
  await end(found.filter((one) => !isDatabase(one)));
  await end(found.filter(isDatabase));
  return found.map(({ pid, program }) => `${program.slice(root.length + 5)} (pid ${pid})`);
}

async function end(processes: Leftover[]): Promise<void> {
  const alive = () => processes.filter(({ pid, startTime }) => isSameProcess(pid, startTime));
  // SIGINT: for PostgreSQL the fast shutdown, for the others an orderly end as well.
  for (const { pid } of alive()) process.kill(pid, 'SIGINT');
  try {
    await waitUntil(() => alive().length === 0, { timeoutMs: 10_000, what: 'the shop to end' });
  } catch {
    for (const { pid } of alive()) process.kill(pid, 'SIGKILL');
    await waitUntil(() => alive().length === 0, { timeoutMs: 10_000, what: 'the shop to end' });
  }
}
