/** A lock of which Temporal knows nothing any more is not held. */
import { Client, Connection } from '@temporalio/client';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { assertFence } from '../../src/activities/fence.ts';
import { sharedServers } from '../support/servers.ts';

let client: Client;

beforeAll(async () => {
  const { address, namespace } = sharedServers().temporal;
  client = new Client({ connection: await Connection.connect({ address }), namespace });
});

afterAll(async () => {
  await client.connection.close();
});

test('a lock that was deleted, or lost with a database that was put back, fences its run off for good', async () => {
  const environment = new MockActivityEnvironment({}, { client });
  const fence = { workflowId: 'lock/of-nobody', runId: '11111111-2222-4333-8444-555555555555' };
  await expect(
    environment.run(async () => {
      await assertFence({ plan: false, fence, key: 'flow/run/step' });
    }),
  ).rejects.toMatchObject({ type: 'Fenced', nonRetryable: true });
});
