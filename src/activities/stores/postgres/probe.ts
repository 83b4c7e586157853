/** One look at a server: whether it answers, and what it is. Never a failure: what is wrong is in the answer. */
import type { StoreRequest, Work } from '../contract.ts';
import { openClient } from './client.ts';
import { askServer } from './server.ts';

export interface Probe {
  reachable: boolean;
  version: string | null;
  detail: string;
}

export async function probe(request: StoreRequest, work: Work): Promise<Probe> {
  try {
    const client = await openClient(request, work.call.key);
    const { version } = await askServer(client, work.signal, client.spec.database);
    return {
      reachable: true,
      version,
      detail: `PostgreSQL ${version} answers in database ${client.spec.database}.`,
    };
  } catch (error) {
    work.signal.throwIfAborted();
    return {
      reachable: false,
      version: null,
      detail: error instanceof Error ? error.message : String(error),
    };
  }
}
