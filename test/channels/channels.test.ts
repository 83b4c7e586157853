import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { afterEach, expect, onTestFinished, test, vi } from 'vitest';

import type { Delivery, Message, MessageRequest } from '../../src/activities/channels/contract.ts';
import { createChannelActivities } from '../../src/activities/channels/index.ts';
import { freePort, startSlackReceiver, temporaryDirectory } from '../support/servers.ts';

const message: Message = {
  key: 'wf/run/notice-1',
  system: 'shop',
  runbook: 'graceful-shutdown',
  workflowId: 'shutdown-shop-1',
  severity: 'warning',
  title: 'Shop stops in 5m',
  text: 'Reason: new <disks> & cables',
  recipients: ['ops@example.org'],
};

async function send(channels: MessageRequest['channels'], more: Partial<Message> = {}): Promise<Delivery[]> {
  const environment = new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') });
  return await environment.run(createChannelActivities().sendMessage, {
    channels,
    message: { ...message, ...more },
  });
}

async function slack() {
  const receiver = await startSlackReceiver();
  onTestFinished(async () => await receiver.stop());
  const file = path.join(await temporaryDirectory(), 'webhook');
  await writeFile(file, `${receiver.url}\n`);
  return { receiver, spec: { type: 'slack' as const, webhook: `file:${file}` } };
}

afterEach(() => vi.restoreAllMocks());

test('Slack receives the message once, with its key, and its marks are only text', async () => {
  const { receiver, spec } = await slack();
  expect(await send([{ name: 'ops', spec: { ...spec, channel: '#ops' } }])).toEqual([
    { channel: 'ops', delivered: true },
  ]);
  expect(receiver.posts).toHaveLength(1);
  const [post] = receiver.posts;
  expect(post?.headers['idempotency-key']).toBe(message.key);
  const body = JSON.parse(post?.body ?? '') as { text: string; channel: string; blocks: { type: string }[] };
  expect(body.text).toContain('WARNING: shop: Shop stops in 5m');
  expect(body.text).toContain('new &lt;disks&gt; &amp; cables');
  expect(body.channel).toBe('#ops');
  expect(body.blocks.map((block) => block.type)).toEqual(['header', 'section', 'context']);
});

test('a message longer than Slack takes is cut, not lost', async () => {
  const { receiver, spec } = await slack();
  await send([{ name: 'ops', spec }], { title: 'x'.repeat(500), text: '🔥&'.repeat(5000) });
  const { blocks } = JSON.parse(receiver.posts[0]?.body ?? '') as { blocks: { text?: { text: string } }[] };
  expect(blocks[0]?.text?.text.length).toBe(150);
  expect(blocks[1]?.text?.text.length).toBeLessThanOrEqual(3000);
});

test('a webhook receives the message as JSON, with its token', async () => {
  const received: { headers: Record<string, unknown>; body: unknown }[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      received.push({ headers: request.headers, body: JSON.parse(text) });
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  process.env['TEST_CHANNEL_TOKEN'] = 'bearer-secret-42';
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  await send([{ name: 'hook', spec: { type: 'webhook', url, token: 'env:TEST_CHANNEL_TOKEN' } }]);
  expect(received).toEqual([
    {
      headers: expect.objectContaining({
        authorization: 'Bearer bearer-secret-42',
        'idempotency-key': message.key,
      }) as object,
      body: message,
    },
  ]);
});

test('a channel that fails does not keep the message from the others, and says why without its address', async () => {
  const { receiver, spec } = await slack();
  const { receiver: other, spec: otherSpec } = await slack();
  receiver.failNext(1, 503);
  const deliveries = await send([
    { name: 'broken', spec },
    { name: 'unset', spec: { type: 'slack', webhook: 'env:TEST_CHANNEL_UNSET' } },
    { name: 'works', spec: otherSpec },
  ]);
  expect(deliveries.map(({ channel, delivered }) => [channel, delivered])).toEqual([
    ['broken', false],
    ['unset', false],
    ['works', true],
  ]);
  expect(deliveries[0]?.error).toContain('HTTP 503');
  expect(deliveries[1]?.error).toContain('TEST_CHANNEL_UNSET');
  expect(JSON.stringify(deliveries)).not.toContain('/services/');
  expect(other.posts).toHaveLength(1);
});

test('a message that reached nobody fails, to be tried again, and shows no address', async () => {
  const file = path.join(await temporaryDirectory(), 'webhook');
  await writeFile(file, `http://127.0.0.1:${await freePort()}/services/T0/B0/very-secret\n`);
  const mangled = path.join(await temporaryDirectory(), 'mangled');
  await writeFile(mangled, 'not an address but secret\n');
  const attempt = send([
    { name: 'ops', spec: { type: 'slack', webhook: `file:${file}` } },
    { name: 'bad', spec: { type: 'slack', webhook: `file:${mangled}` } },
  ]);
  const error = (await attempt.catch((thrown: unknown) => thrown)) as Error;
  expect(error).toMatchObject({ type: 'Unreachable', nonRetryable: false });
  expect(error.message).toContain('connection refused');
  expect(`${error.message} ${error.stack ?? ''}`).not.toMatch(/very-secret|but secret/);
});

test('the console shows one line whatever the message holds', async () => {
  const written: string[] = [];
  vi.spyOn(process.stderr, 'write').mockImplementation(((text: string, done: () => void) => {
    written.push(text);
    done();
    return true;
  }) as typeof process.stderr.write);
  await send([{ name: 'console', spec: { type: 'console' } }], { text: 'first\nsecond\u001b[2J\u202e' });
  expect(written).toEqual([
    'WARNING: shop: Shop stops in 5m | first second [2J To: ops@example.org. (graceful-shutdown, run shutdown-shop-1)\n',
  ]);
});
