/**
 * Platform `process`: programs on the worker's own machine. Each has a session of its own, so that it outlives the worker
 * (under systemd the worker's unit needs `KillMode=process`; in a container it ends with the container).
 */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import type { Platform, ServiceRequest } from '../contract.ts';
import { start } from './start.ts';
import { observe } from './state.ts';
import { stop } from './stop.ts';

export const processPlatform: Platform = {
  state: async (request) => await observe(request),
  start,
  stop,
  logs,
};

/** The log and what a rotation made of it (`app.log`, `app.log.1`, `app.log.2.gz`), those that exist. */
async function logs({ spec }: ServiceRequest): Promise<string[]> {
  const directory = path.dirname(spec.platform.logFile);
  const base = path.basename(spec.platform.logFile);
  let names: string[];
  try {
    names = await readdir(directory);
  } catch {
    return [];
  }
  return names
    .filter(
      (name) =>
        name === base ||
        (name.startsWith(`${base}.`) && /^\.\d+(\.(gz|zst|xz))?$/.test(name.slice(base.length))),
    )
    .sort()
    .map((name) => path.join(directory, name));
}
