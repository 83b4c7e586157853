/** Processes as the kernel tells of them in /proc. Elsewhere than on Linux nothing is found. */
import { readFileSync, readdirSync } from 'node:fs';

export interface ProcessStat {
  pid: number;
  /** One letter, as in proc(5): Z and X are dead. */
  state: string;
  parent: number;
  group: number;
  session: number;
  /** Clock ticks since boot. With the pid and the boot it names one process and no other. */
  startTime: string;
}

/** What /proc/PID/stat says, or undefined when there is no such process. */
export function processStat(pid: number): ProcessStat | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  // "pid (name) state ppid …": the name may hold spaces and brackets, so count from its last bracket.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return {
    pid,
    state: fields[0] ?? '',
    parent: Number(fields[1]),
    group: Number(fields[2]),
    session: Number(fields[3]),
    startTime: fields[19] ?? '',
  };
}

/** A zombie has ended already; only its parent has not noticed. */
export function isAlive(stat: ProcessStat | undefined): stat is ProcessStat {
  return stat !== undefined && !['Z', 'X', 'x'].includes(stat.state);
}

/** Every process that has not ended. */
export function liveProcesses(): ProcessStat[] {
  let names: string[];
  try {
    names = readdirSync('/proc');
  } catch {
    return [];
  }
  return names
    .filter((name) => /^\d+$/.test(name))
    .map((name) => processStat(Number(name)))
    .filter(isAlive);
}
