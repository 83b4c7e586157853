/** A connection that breaks while an object is read: the failure names the object, and is tried again. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sharedServers } from '../support/servers.ts';
import { type FaultyProxy, startFaultyProxy } from './faulty-proxy.ts';
import { chunked, everything, ground, never } from './support.ts';

let proxy: FaultyProxy;

beforeAll(async () => {
  proxy = await startFaultyProxy(sharedServers().s3.endpoint);
});

afterAll(async () => {
  await proxy.stop();
});

test('is told with the name of the object', async () => {
  const { storage } = await ground('s3', proxy.endpoint);
  await storage.write('data', chunked(randomBytes(3_000_000)), { signal: never });
  proxy.fault = (asked) => (asked.startsWith('GET ') ? { cutAfter: 1_000_000 } : undefined);
  const reading = storage.read('data', { signal: never }).then(everything);
  await expect(reading).rejects.toMatchObject({
    type: 'StorageFailed',
    nonRetryable: false,
    message: expect.stringContaining(storage.locate('data')) as string,
  });
});

test('and a cancellation stays one', async () => {
  const { storage } = await ground('s3', proxy.endpoint);
  await storage.write('data', chunked(randomBytes(3_000_000)), { signal: never });
  const stop = new AbortController();
  const reason = new Error('the run was cancelled');
  const reading = (async () => {
    for await (const chunk of await storage.read('data', { signal: stop.signal })) {
      expect(chunk).toBeDefined();
      stop.abort(reason);
    }
  })();
  proxy.fault = () => undefined;
  await expect(reading).rejects.toThrow(/cancelled|abort/i);
});
