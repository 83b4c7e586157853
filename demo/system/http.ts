/**
 * What the demo's programs have in common: an HTTP server with a health check, metrics, and a drain that refuses new work
 * while work in hand goes on.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

export interface Answer {
  status: number;
  body: unknown;
}

export type Handler = (request: { url: URL; params: string[]; body: unknown }) => Promise<Answer>;

export interface Program {
  name: string;
  port: number;
  /** Throws when this program is not well; its message is shown. */
  health: () => Promise<Record<string, unknown>>;
  /** `GET /orders/([0-9]+)`: method, and a pattern of the whole path. */
  routes: Record<string, Handler>;
  close: () => Promise<void>;
}

/** An error that is the caller's fault. */
export class BadRequest extends Error {
  override readonly name = 'BadRequest';
}

/**
 * Serves until SIGTERM or SIGINT, then lets work in hand finish. With WARM_UP_SECONDS it is well only after that time, as
 * programs that fill caches or migrate tables are: for measurements.
 */
export function serve(program: Program): void {
  const state = { draining: false, active: 0, handled: 0 };
  const warmAt = performance.now() + 1000 * Number(process.env['WARM_UP_SECONDS'] ?? '0');
  const routes = Object.entries(program.routes).map(([route, handler]) => {
    const [method, pattern] = route.split(' ', 2);
    return { method, pattern: new RegExp(`^${pattern ?? ''}$`), handler };
  });

  const work = async (request: IncomingMessage, url: URL): Promise<Answer> => {
    for (const { method, pattern, handler } of routes) {
      const match = request.method === method ? pattern.exec(url.pathname) : null;
      if (!match) continue;
      if (state.draining) return { status: 503, body: { error: 'draining: no new work is taken' } };
      state.active += 1;
      try {
        return await handler({ url, params: match.slice(1), body: await readJson(request) });
      } finally {
        state.active -= 1;
        state.handled += 1;
      }
    }
    return { status: 404, body: { error: `nothing at ${url.pathname}` } };
  };

  const metrics = () =>
    [
      '# HELP demo_active_requests Requests being worked on.',
      '# TYPE demo_active_requests gauge',
      `demo_active_requests ${state.active}`,
      '# HELP demo_requests_total Requests answered since the start.',
      '# TYPE demo_requests_total counter',
      `demo_requests_total ${state.handled}`,
      '',
    ].join('\n');

  const answer = async (request: IncomingMessage, url: URL): Promise<Answer | string> => {
    switch (`${request.method ?? ''} ${url.pathname}`) {
      case 'GET /health':
        if (performance.now() < warmAt) return { status: 503, body: { status: 'warming up' } };
        return { status: 200, body: { status: 'ok', draining: state.draining, ...(await program.health()) } };
      case 'GET /metrics':
        return metrics();
      case 'POST /admin/drain':
      case 'POST /admin/undrain':
        state.draining = url.pathname === '/admin/drain';
        return { status: 200, body: { draining: state.draining, active: state.active } };
      default:
        return await work(request, url);
    }
  };

  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    answer(request, url).then(
      (result) => {
        if (typeof result === 'string') sendText(response, result);
        else send(response, result);
      },
      (error: unknown) => {
        const message = error instanceof Error ? error.message : String(error);
        const status = error instanceof BadRequest ? 400 : 503;
        if (status === 503) console.error(`${request.method ?? ''} ${url.pathname}: ${message}`);
        send(response, { status, body: { error: message } });
      },
    );
  });
  server.on('error', (error) => {
    console.error(`${program.name} cannot listen on port ${program.port}: ${error.message}`);
    process.exit(1);
  });
  server.listen(program.port, '127.0.0.1', () => {
    console.log(`${program.name} listens on 127.0.0.1:${program.port}`);
  });

  const stop = () => {
    console.log(`${program.name} stops`);
    server.close(() => {
      void program.close().finally(() => process.exit(0));
    });
    server.closeIdleConnections();
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}

/** A number from the environment: the programs are configured by it alone. */
export function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '') {
    console.error(`The environment variable ${name} is missing`);
    process.exit(2);
  }
  return value;
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > 65_536) throw new BadRequest('the body is larger than 64 KiB');
    chunks.push(chunk);
  }
  if (bytes === 0) return undefined;
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    throw new BadRequest('the body is not JSON');
  }
}

function send(response: ServerResponse, { status, body }: Answer): void {
  // No kept connections: a server that stops must not wait for idle ones.
  response.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
  response.end(`${JSON.stringify(body)}\n`);
}

function sendText(response: ServerResponse, text: string): void {
  response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4', connection: 'close' });
  response.end(text);
}
