/** Started by redis-safety.test.ts: dies by SIGKILL, as a worker may, while a scratch server of it is loaded. */
import { withScratchRedis } from '../../src/activities/stores/redis/scratch.ts';
import { work } from './redis-support.ts';

const [dataDirectory = ''] = process.argv.slice(2);
await withScratchRedis(
  { purpose: 'crash', dataDirectory, dbFile: 'dump.rdb' },
  work('crash'),
  async (client) => {
    process.stdout.write(await client.text('INFO', 'server'));
    process.kill(process.pid, 'SIGKILL');
  },
);
