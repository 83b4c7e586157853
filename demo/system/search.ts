/** Product search: reads the products into memory at its start, and is not healthy before that is done. */
import { setTimeout as sleep } from 'node:timers/promises';

import { openDatabase } from './database.ts';
import { serve, setting } from './http.ts';

interface Product {
  id: string;
  name: string;
}

const pool = openDatabase();
let products: Product[] | undefined;

serve({
  name: setting('PROGRAM'),
  port: Number(setting('PORT')),
  health: async () => {
    if (!products) throw new Error('loading the products');
    return await Promise.resolve({ products: products.length });
  },
  routes: {
    'GET /search': async ({ url }) => {
      if (!products) throw new Error('loading the products');
      const words = (url.searchParams.get('q') ?? '').toLowerCase();
      const found = products.filter(({ name }) => name.toLowerCase().includes(words)).slice(0, 20);
      return await Promise.resolve({ status: 200, body: { found } });
    },
  },
  close: async () => {
    await pool.end();
  },
});

while (!products) {
  try {
    const result = await pool.query<Product>('select id, name from products order by id');
    products = result.rows;
    console.log(`${products.length} products loaded`);
  } catch (error) {
    console.error(`The products cannot be loaded yet: ${(error as Error).message}`);
    await sleep(500);
  }
}
