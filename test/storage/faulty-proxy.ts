/** Stands between a client and the real S3 server, and breaks what a network breaks: answers lost, busy servers, cut bodies. */
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Fault =
  /** The server did it; its answer never arrives. */
  | 'lose-answer'
  /** Not handed on: the server is busy, or answers with this status. */
  | { status: number; code: string; headers?: Record<string, string> }
  /** The answer's head, then only so many bytes of its body, then the connection ends. */
  | { cutAfter: number };

export interface FaultyProxy {
  endpoint: string;
  /** Requests as `METHOD path?query`, in order. */
  seen: string[];
  /** Asked for each request; answers what is to go wrong, if anything. */
  fault: (asked: string) => Fault | undefined;
  stop(): Promise<void>;
}

export async function startFaultyProxy(target: string): Promise<FaultyProxy> {
  const { hostname, port } = new URL(target);
  const server: Server = createServer((asked, answer) => {
    const line = `${asked.method ?? ''} ${asked.url ?? ''}`;
    proxy.seen.push(line);
    const fault = proxy.fault(line);
    if (typeof fault === 'object' && 'status' in fault) return refuse(asked, answer, fault);
    const { method, url, headers } = asked;
    const onward = request({ hostname, port, method, path: url, headers }, (answered) =>
      pass(answered, answer, fault),
    );
    onward.on('error', () => answer.destroy());
    asked.on('error', () => onward.destroy());
    asked.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const proxy: FaultyProxy = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen: [],
    fault: () => undefined,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;
}

function refuse(
  asked: IncomingMessage,
  answer: ServerResponse,
  fault: Extract<Fault, { status: number }>,
): void {
  asked.resume();
  asked.on('end', () => {
    answer.writeHead(fault.status, { 'content-type': 'application/xml', ...fault.headers });
    answer.end(
      `<?xml version="1.0"?><Error><Code>${fault.code}</Code><Message>made for a test</Message></Error>`,
    );
  });
}

function pass(answered: IncomingMessage, answer: ServerResponse, fault: Fault | undefined): void {
  if (fault === 'lose-answer') {
    answered.resume();
    answered.on('end', () => answer.destroy());
    return;
  }
  answer.writeHead(answered.statusCode ?? 500, answered.headers);
  if (typeof fault !== 'object' || !('cutAfter' in fault)) {
    answered.pipe(answer);
    return;
  }
  let sent = 0;
  answered.on('data', (chunk: Buffer) => {
    if (sent >= fault.cutAfter) return;
    const piece = chunk.subarray(0, fault.cutAfter - sent);
    sent += piece.length;
    answer.write(piece, () => {
      if (sent >= fault.cutAfter) answer.destroy();
    });
  });
}
