/** Writes an object that never ends, and tells its parent once so many bytes are on their way. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { openStorage } from '../../src/activities/storage/index.ts';
import type { Destination } from '../../src/inventory/schema/backup.ts';

const [, , destination = '', after = ''] = process.argv;
const storage = await openStorage(JSON.parse(destination) as Destination);

async function* endless(): AsyncGenerator<Uint8Array> {
  const chunk = randomBytes(1024 * 1024);
  let written = 0;
  for (;;) {
    yield chunk;
    written += chunk.length;
    if (written >= Number(after)) {
      if (written === Number(after)) process.send?.('writing');
      await sleep(50);
    }
  }
}

await storage.write('demo/dump', endless(), { signal: new AbortController().signal });
