/** Who listens on which port of this machine: from /proc/net/tcp and the sockets that processes hold. */
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { liveProcesses } from '../../exec/index.ts';

/** ` by pid 4711 (nginx)`, for a message; or nothing when it cannot be told. */
export function listenersOn(port: number): string {
  const sockets = new Set(listeningInodes(port).map((inode) => `socket:[${inode}]`));
  if (sockets.size === 0) return '';
  const holder = liveProcesses().find(({ pid }) => holds(pid, sockets));
  return holder ? ` by pid ${holder.pid} (${nameOf(holder.pid)})` : '';
}

/** Whether a process listens on any TCP port. False also when it cannot be told. */
export function listens(pid: number): boolean {
  return holds(pid, new Set(listeningInodes().map((inode) => `socket:[${inode}]`)));
}

/** Of the sockets that listen on this port, or on any. */
function listeningInodes(port?: number): string[] {
  const wanted = port === undefined ? undefined : `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return ['tcp', 'tcp6'].flatMap((table) =>
    read(`/proc/net/${table}`)
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      // Local address and port, state (0A: listening), and in the tenth field the socket's inode.
      .filter(([, local, , state]) => state === '0A' && (wanted === undefined || local?.endsWith(wanted)))
      .map((fields) => fields[9] ?? ''),
  );
}

function holds(pid: number, sockets: ReadonlySet<string>): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((descriptor) => {
      try {
        return sockets.has(readlinkSync(`/proc/${pid}/fd/${descriptor}`));
      } catch {
        return false;
      }
    });
  } catch {
    return false;
  }
}

function nameOf(pid: number): string {
  return read(`/proc/${pid}/comm`).trim() || '?';
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
