/** Slack, by an incoming webhook. */
import type { Channel } from '../../inventory/schema/people.ts';
import type { Message } from './contract.ts';
import { postJson } from './post.ts';
import { heading, origin } from './text.ts';

/** Slack refuses longer ones (docs.slack.dev, block kit reference: header 150, section 3000 characters). */
const longestHeader = 150;
const longestSection = 3000;

type SlackChannel = Extract<Channel, { type: 'slack' }>;

export async function sendToSlack(
  spec: SlackChannel,
  webhook: string,
  message: Message,
  signal: AbortSignal,
): Promise<void> {
  const body = { ...content(message), ...(spec.channel === undefined ? {} : { channel: spec.channel }) };
  await postJson({ url: webhook, body, key: message.key, signal });
}

function content(message: Message): { text: string; blocks: unknown[] } {
  const title = heading(message);
  const recipients = message.recipients.length === 0 ? '' : `\nFor: ${message.recipients.join(', ')}`;
  const text = cut(escaped(`${message.text}${recipients}`).trim(), longestSection);
  return {
    // What notifications show, and clients without blocks.
    text: [escaped(title), text].filter((part) => part !== '').join('\n'),
    blocks: [
      { type: 'header', text: { type: 'plain_text', text: cut(title, longestHeader), emoji: false } },
      ...(text === '' ? [] : [{ type: 'section', text: { type: 'mrkdwn', text } }]),
      {
        type: 'context',
        elements: [{ type: 'mrkdwn', text: cut(escaped(origin(message)), longestSection) }],
      },
    ],
  };
}

/** Without this, text could mention everybody or hide where a link leads. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function cut(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length - 1).toWellFormed()}…` : text;
}
