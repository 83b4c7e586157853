/** The process groups of commands under way: signalled as a whole, so that nothing a command started is left behind. */
import { liveProcesses } from './proc.ts';

/** From SIGTERM to SIGKILL. */
export const killGraceMs = 5000;

const underWay = new Set<number>();
let watching = false;

/** Remembers a group until `forget`: whatever is left when this process exits is killed with it. */
export function remember(group: number): void {
  underWay.add(group);
  if (watching) return;
  watching = true;
  process.once('exit', () => {
    for (const left of underWay) signalGroup(left, 'SIGKILL');
  });
}

export function forget(group: number): void {
  underWay.delete(group);
}

export function signalGroup(group: number, signal: NodeJS.Signals): void {
  // 0 is our own group, and 1 would mean everybody.
  if (group <= 1) return;
  try {
    process.kill(-group, signal);
  } catch {
    // Gone already: what was wanted. (EPERM: it became somebody else; nothing more can be done from here.)
  }
}

/** Whether anything in the group still runs. Zombies do not count: pid 1 may take its time to collect them. */
export function groupIsAlive(group: number): boolean {
  if (group <= 1) return false;
  try {
    process.kill(-group, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  if (process.platform !== 'linux') return true;
  return liveProcesses().some((stat) => stat.group === group);
}

/** SIGTERM now, SIGKILL after the grace. Resolves when nothing of the group runs any more (or nothing more can be done). */
export async function endGroup(group: number, graceMs = killGraceMs): Promise<void> {
  signalGroup(group, 'SIGTERM');
  if (await gone(group, graceMs)) return;
  signalGroup(group, 'SIGKILL');
  await gone(group, graceMs);
}

async function gone(group: number, withinMs: number): Promise<boolean> {
  const deadline = performance.now() + withinMs;
  while (groupIsAlive(group)) {
    if (performance.now() >= deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  return true;
}
