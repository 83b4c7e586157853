/** The shop's API: orders in PostgreSQL; a cache and a counter in Redis. */
import { setTimeout as sleep } from 'node:timers/promises';

import { openDatabase, transaction } from './database.ts';
import { BadRequest, serve, setting } from './http.ts';
import { redis } from './redis.ts';

interface Order {
  reference: string;
  customerId: number;
  lines: { productId: number; quantity: number }[];
}

const cacheSeconds = 300;
const longestHoldMs = 30_000;
const pool = openDatabase();
const redisPort = Number(setting('REDIS_PORT'));

serve({
  name: setting('PROGRAM'),
  port: Number(setting('PORT')),
  health: async () => {
    await Promise.all([pool.query('select 1'), redis(redisPort, 'PING')]);
    return {};
  },
  routes: {
    // `hold` keeps the request open for so many milliseconds: work in hand for a drain to wait for.
    'POST /orders': async ({ url, body }) => {
      const order = parseOrder(body);
      const hold = Number(url.searchParams.get('hold') ?? 0);
      if (hold > 0) await sleep(Math.min(hold, longestHoldMs));
      const { id, isNew } = await place(order);
      if (isNew) await redis(redisPort, 'INCR', 'orders:placed');
      return { status: isNew ? 201 : 200, body: { id, reference: order.reference } };
    },
    'GET /orders/([0-9]{1,15})': async ({ params }) => await readOrder(params[0] ?? ''),
  },
  close: async () => {
    await pool.end();
  },
});

/** The same reference twice is the same order: a client that got no answer may ask again. */
async function place(order: Order): Promise<{ id: string; isNew: boolean }> {
  return await transaction(pool, async (client) => {
    const inserted = await client.query<{ id: string }>(
      `insert into orders (customer_id, reference, status, placed_at) values ($1, $2, 'placed', now())
       on conflict (reference) do nothing returning id`,
      [order.customerId, order.reference],
    );
    const id = inserted.rows[0]?.id;
    if (id === undefined) {
      const known = await client.query<{ id: string }>('select id from orders where reference = $1', [
        order.reference,
      ]);
      return { id: known.rows[0]?.id ?? '', isNew: false };
    }
    for (const [index, { productId, quantity }] of order.lines.entries()) {
      await client.query(
        `insert into order_lines (order_id, line, product_id, quantity, price_cents)
         select $1, $2, p.id, $4, p.price_cents from products p where p.id = $3`,
        [id, index + 1, productId, quantity],
      );
    }
    return { id, isNew: true };
  });
}

async function readOrder(id: string): Promise<{ status: number; body: unknown }> {
  const cached = await redis(redisPort, 'GET', `order:${id}`);
  if (typeof cached === 'string') return { status: 200, body: JSON.parse(cached) };
  const found = await pool.query<{ order: unknown }>(
    `select json_build_object('id', o.id, 'reference', o.reference, 'customerId', o.customer_id, 'status', o.status,
       'lines', coalesce((select json_agg(json_build_object('productId', l.product_id, 'quantity', l.quantity)
         order by l.line) from order_lines l where l.order_id = o.id), '[]')) as order
     from orders o where o.id = $1`,
    [id],
  );
  const order = found.rows[0]?.order;
  if (order === undefined) return { status: 404, body: { error: `there is no order ${id}` } };
  await redis(redisPort, 'SET', `order:${id}`, JSON.stringify(order), 'EX', String(cacheSeconds));
  return { status: 200, body: order };
}

function parseOrder(body: unknown): Order {
  const { reference, customerId, lines } = (body ?? {}) as Record<string, unknown>;
  if (typeof reference !== 'string' || !/^[\w-]{1,64}$/.test(reference)) {
    throw new BadRequest('reference: 1 to 64 letters, digits, _ or -');
  }
  if (!isPositiveInteger(customerId)) throw new BadRequest('customerId: a positive whole number');
  if (!Array.isArray(lines) || lines.length === 0 || lines.length > 50) {
    throw new BadRequest('lines: 1 to 50 of them');
  }
  return {
    reference,
    customerId,
    lines: lines.map((line: unknown) => {
      const { productId, quantity } = (line ?? {}) as Record<string, unknown>;
      if (!isPositiveInteger(productId) || !isPositiveInteger(quantity)) {
        throw new BadRequest('lines: each with productId and quantity, positive whole numbers');
      }
      return { productId, quantity };
    }),
  };
}

function isPositiveInteger(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0;
}
