/** The few Redis commands that the demo's programs need: one short connection for each, so there is nothing to heal. */
import { connect } from 'node:net';

/** Sends one command; answers its reply: text, a number, or null. */
export async function redis(port: number, ...words: string[]): Promise<string | number | null> {
  return await new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let received: Buffer = Buffer.alloc(0);
    const end = (settle: () => void) => {
      socket.destroy();
      settle();
    };
    socket.setTimeout(3_000, () => {
      end(() => {
        reject(new Error(`Redis on port ${port} did not answer within 3 s`));
      });
    });
    socket.once('error', (error) => {
      end(() => {
        reject(new Error(`Redis on port ${port}: ${error.message}`));
      });
    });
    socket.once('close', () => {
      reject(new Error(`Redis on port ${port} closed the connection`));
    });
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      const reply = parse(received);
      if (reply === undefined) return;
      end(() => {
        if (reply instanceof Error) reject(reply);
        else resolve(reply);
      });
    });
    socket.write(
      `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`,
    );
  });
}

function parse(bytes: Buffer): string | number | null | Error | undefined {
  const end = bytes.indexOf('\r\n');
  if (end < 0) return undefined;
  const line = bytes.toString('utf8', 1, end);
  switch (bytes.toString('utf8', 0, 1)) {
    case '+':
      return line;
    case ':':
      return Number(line);
    case '-':
      return new Error(`Redis: ${line}`);
    case '$': {
      const length = Number(line);
      if (length < 0) return null;
      return bytes.length < end + 4 + length ? undefined : bytes.toString('utf8', end + 2, end + 2 + length);
    }
    default:
      return new Error('Redis: an answer of a kind that is not expected here');
  }
}
