/** A Slack incoming webhook that keeps what it is sent. */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ReceivedPost {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** As sent. */
  readonly body: string;
  readonly receivedAt: Date;
}

export interface SlackReceiver {
  /** The address to post to. */
  readonly url: string;
  /** Every POST, oldest first. */
  readonly posts: readonly ReceivedPost[];
  /** The `text` of every message, oldest first. */
  texts(): string[];
  /** Answers the next `count` posts with this status instead of 200; they are recorded all the same. */
  failNext(count: number, status?: number): void;
  stop(): Promise<void>;
}

/** Slack itself refuses larger messages; here it guards the memory of a test. */
const LARGEST_BODY = 1024 * 1024;

/** Starts the receiver on a free port of loopback. It answers `ok`, and 400 `invalid_payload` to what is not JSON, as Slack does. */
export async function startSlackReceiver(options: { port?: number } = {}): Promise<SlackReceiver> {
  const posts: ReceivedPost[] = [];
  let failures = { left: 0, status: 503 };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > LARGEST_BODY) request.destroy();
      else chunks.push(chunk);
    });
    request.on('end', () => {
      if (request.method !== 'POST') {
        response.writeHead(405).end();
        return;
      }
      const body = Buffer.concat(chunks).toString('utf8');
      posts.push({ path: request.url ?? '', headers: request.headers, body, receivedAt: new Date() });
      if (failures.left > 0) {
        failures = { ...failures, left: failures.left - 1 };
        response.writeHead(failures.status).end('service_unavailable');
      } else if (parseMessage(body) === undefined) {
        response.writeHead(400).end('invalid_payload');
      } else {
        response.writeHead(200).end('ok');
      }
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;

  return {
    url: `http://127.0.0.1:${port}/services/T0000/B0000/webhook`,
    posts,
    texts: () => posts.map((post) => textOf(post.body)),
    failNext: (count, status = 503) => {
      failures = { left: count, status };
    },
    stop: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => {
        server.close(() => {
          resolve();
        });
      });
    },
  };
}

function textOf(body: string): string {
  const text = parseMessage(body)?.['text'];
  return typeof text === 'string' ? text : '';
}

function parseMessage(body: string): Record<string, unknown> | undefined {
  try {
    const message: unknown = JSON.parse(body);
    return typeof message === 'object' && message !== null ? (message as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
