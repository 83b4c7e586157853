/** What happens to the shop meanwhile: customers order, a disk fails, and somebody counts the rows independently. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PreparedDemo } from './prepare.ts';

/** Count and hash of every table, by plain SQL that shares nothing with the product's own. */
export async function fingerprint(shop: PreparedDemo): Promise<Map<string, string>> {
  const tables = await shop.psql(
    "select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind = 'r' and n.nspname = 'public' order by 1",
  );
  const found = new Map<string, string>();
  for (const { name } of tables) {
    const [row] = await shop.psql(
      `select count(*) || ' rows, ' || coalesce(to_hex(bit_xor(hashtextextended(t::text, 7))), '0') as print from public."${name ?? ''}" t`,
    );
    found.set(name ?? '', row?.['print'] ?? '');
  }
  return found;
}

export interface Customers {
  /** Orders the API accepted. */
  readonly placed: () => number;
  stop(): Promise<void>;
}

/** Customers who keep ordering until they are stopped, a few orders a second. */
export function customersOrder(shop: PreparedDemo): Customers {
  let placed = 0;
  let open = true;
  const ordering = (async () => {
    while (open) {
      const answer = await fetch(`http://127.0.0.1:${shop.ports.api}/orders`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          reference: `DEMO-${randomUUID()}`,
          customerId: 1 + (placed % 50),
          lines: [{ productId: 1 + (placed % 20), quantity: 1 }],
        }),
        signal: AbortSignal.timeout(3000),
      }).catch(() => undefined);
      if (answer?.ok) placed += 1;
      await answer?.body?.cancel();
      await sleep(40);
    }
  })();
  return {
    placed: () => placed,
    async stop() {
      open = false;
      await ordering;
    },
  };
}

export async function healthy(shop: PreparedDemo): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${shop.ports.api}/health`, {
    signal: AbortSignal.timeout(3000),
  });
  return `${answer.status} ${(await answer.text()).trim()}`;
}
