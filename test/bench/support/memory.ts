/** Resident memory of a process, from /proc. Linux only. */
import { readFileSync, writeFileSync } from 'node:fs';

/** Mebibytes resident now (`VmRSS`), or at the most since {@link resetPeak} (`VmHWM`). */
export function resident(pid: number, which: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const [, kibibytes] = new RegExp(`^${which}:\\s+(\\d+) kB`, 'm').exec(status) ?? [];
  if (kibibytes === undefined) throw new Error(`/proc/${pid}/status has no ${which}`);
  return Number(kibibytes) / 1024;
}

/** The peak is counted anew from here; see `clear_refs` in proc(5). */
export function resetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}
