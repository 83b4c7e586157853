/** The shop's front: passes visitors on to the API, and is as well as the API is. */
import { serve, setting } from './http.ts';

const api = `http://127.0.0.1:${setting('API_PORT')}`;

async function ask(path: string): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${api}${path}`, { signal: AbortSignal.timeout(5_000) });
  return { status: response.status, body: await response.json() };
}

serve({
  name: setting('PROGRAM'),
  port: Number(setting('PORT')),
  health: async () => {
    const { status } = await ask('/health');
    if (status !== 200) throw new Error(`the API answered ${status}`);
    return {};
  },
  routes: {
    'GET /': async () => await Promise.resolve({ status: 200, body: { shop: 'open' } }),
    'GET /orders/([0-9]{1,15})': async ({ params }) => await ask(`/orders/${params[0] ?? ''}`),
  },
  close: async () => {
    await Promise.resolve();
  },
});
