/** Whether a server can be spoken to at all. One connection that fails is no damage: a network blip looks the same. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '../client.ts';
import { askServer, type Server } from '../server.ts';

export type Reached = { server: Server } | { why: string; isDamage: boolean };

const tries = 4;
const pauseMs = 1500;

/** Said by a server that runs and cannot open this database because of what it reads. */
const damagedCatalog =
  /invalid page in block|could not read block|could not open file "(?:base|global)|catalog is missing|could not find pg_class|cache lookup failed|corrupt/i;
/** The database is not there any more: somebody dropped it, or its entry is lost. */
const missing = /database ".*" does not exist|It seems to have just been dropped or renamed/;

export async function reach(client: Client, signal: AbortSignal): Promise<Reached> {
  let why = '';
  for (let attempt = 1; attempt <= tries; attempt += 1) {
    try {
      return { server: await askServer(client, signal, client.spec.database) };
    } catch (error) {
      signal.throwIfAborted();
      why = error instanceof Error ? error.message : String(error);
      if (damagedCatalog.test(why) || missing.test(why)) return { why, isDamage: true };
    }
    if (attempt < tries) await sleep(pauseMs, undefined, { signal });
  }
  return { why, isDamage: false };
}
