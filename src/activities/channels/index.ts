/** Sends a message to people, by every channel that is asked for. A new channel is one file and one line here. */
import { redact } from '../../exec/index.ts';
import type { Channel } from '../../inventory/schema/people.ts';
import type { Activities } from '../contract.ts';
import { failure } from '../failures.ts';
import { resolveSecret } from '../secrets.ts';
import { withProbe } from '../work.ts';
import { sendToConsole } from './console.ts';
import type { Delivery, Message, MessageRequest } from './contract.ts';
import { postJson } from './post.ts';
import { sendToSlack } from './slack.ts';

export function createChannelActivities(): Pick<Activities, 'sendMessage'> {
  return {
    sendMessage: async (request) => await withProbe(async ({ signal }) => await sendMessage(request, signal)),
  };
}

/**
 * By all channels at once; one that fails does not keep the message from the others. Failure `Unreachable` only when none
 * delivered it: trying again then cannot deliver anything twice.
 */
async function sendMessage({ channels, message }: MessageRequest, signal: AbortSignal): Promise<Delivery[]> {
  const deliveries = await Promise.all(
    channels.map(async ({ name, spec }) => await deliver(name, spec, message, signal)),
  );
  signal.throwIfAborted();
  if (deliveries.length === 0 || deliveries.some(({ delivered }) => delivered)) return deliveries;
  throw failure('Unreachable', {
    what: `The message "${message.title}" of ${message.system} reached nobody.`,
    lastLines: deliveries.map(({ channel, error }) => `${channel}: ${error ?? ''}`).join('\n'),
    hint: 'Look at people.channels in the inventory; until then nobody hears of this run.',
  });
}

async function deliver(
  name: string,
  spec: Channel,
  message: Message,
  signal: AbortSignal,
): Promise<Delivery> {
  const secrets: string[] = [];
  const secret = async (reference: string): Promise<string> => {
    const value = await resolveSecret(reference);
    secrets.push(value);
    return value;
  };
  try {
    await send(spec, message, secret, signal);
    return { channel: name, delivered: true };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { channel: name, delivered: false, error: redact(why, secrets) };
  }
}

async function send(
  spec: Channel,
  message: Message,
  secret: (reference: string) => Promise<string>,
  signal: AbortSignal,
): Promise<void> {
  switch (spec.type) {
    case 'console':
      return await sendToConsole(message);
    case 'slack':
      return await sendToSlack(spec, await secret(spec.webhook), message, signal);
    case 'webhook': {
      const token = spec.token === undefined ? {} : { token: await secret(spec.token) };
      return await postJson({ url: spec.url, body: message, key: message.key, signal, ...token });
    }
  }
}
