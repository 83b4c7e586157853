/** Live figures for the shop's owners, out of Redis alone. */
import { serve, setting } from './http.ts';
import { redis } from './redis.ts';

const redisPort = Number(setting('REDIS_PORT'));

serve({
  name: setting('PROGRAM'),
  port: Number(setting('PORT')),
  health: async () => ({ redis: await redis(redisPort, 'PING') }),
  routes: {
    'GET /report': async () => {
      const [placed, sessions] = await Promise.all([
        redis(redisPort, 'GET', 'orders:placed'),
        redis(redisPort, 'DBSIZE'),
      ]);
      return { status: 200, body: { ordersPlaced: Number(placed ?? 0), keys: sessions } };
    },
  },
  close: async () => {
    await Promise.resolve();
  },
});
