/** The worker's own standard error: always there, for want of anything better. */
import type { Message } from './contract.ts';
import { heading, oneLine, origin } from './text.ts';

export async function sendToConsole(message: Message): Promise<void> {
  const to = message.recipients.length === 0 ? '' : ` To: ${message.recipients.join(', ')}.`;
  const text = message.text === '' ? '' : ` | ${message.text}`;
  const line = oneLine(`${heading(message)}${text}${to} (${origin(message)})`);
  await new Promise<void>((resolve, reject) => {
    process.stderr.write(`${line}\n`, (error) => (error ? reject(error) : resolve()));
  });
}
