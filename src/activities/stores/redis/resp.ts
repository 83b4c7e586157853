/**
 * A small client for the Redis protocol (RESP2): questions to a server, without a process for each of them, and binary
 * safe. It asks one thing at a time; nothing here needs more.
 */
import { connect, type Socket } from 'node:net';

/** An error is an answer too: the server's words, beginning with its code (`NOAUTH …`, `LOADING …`). */
export type Reply = Buffer | number | null | Reply[] | RespError;

export class RespError extends Error {
  override readonly name = 'RespError';
  /** The first word: ERR, NOAUTH, WRONGPASS, LOADING, NOPERM. */
  get code(): string {
    return this.message.split(' ', 1)[0] ?? '';
  }
}

export interface RespAddress {
  /** A host and port, or the path of a Unix socket. */
  target: { host: string; port: number } | { path: string };
  user?: string | undefined;
  password?: string | undefined;
  signal?: AbortSignal | undefined;
  /** Milliseconds to connect, and of silence before a question counts as lost. Default 10 seconds; 0: wait for ever. */
  patienceMs?: number;
}

export interface RespClient {
  /** Sends one command. Rejects with RespError when the server refuses it, with Error when the connection is lost. */
  ask(...words: readonly (string | Buffer)[]): Promise<Reply>;
  /** The answer as text. */
  text(...words: readonly (string | Buffer)[]): Promise<string>;
  close(): void;
}

/** Connects and, with a password, signs in. */
export async function connectRedis(address: RespAddress): Promise<RespClient> {
  const client = new Client(await openSocket(address), address);
  try {
    if (address.password !== undefined) {
      await client.ask('AUTH', ...(address.user === undefined ? [] : [address.user]), address.password);
    }
    return client;
  } catch (error) {
    client.close();
    throw error;
  }
}

async function openSocket({ target, signal, patienceMs = 10_000 }: RespAddress): Promise<Socket> {
  signal?.throwIfAborted();
  return await new Promise((resolve, reject) => {
    const socket = 'path' in target ? connect(target.path) : connect(target.port, target.host);
    const fail = (error: Error) => {
      socket.destroy();
      reject(error);
    };
    const aborted = () => {
      fail(signal?.reason instanceof Error ? signal.reason : new Error('cancelled'));
    };
    signal?.addEventListener('abort', aborted, { once: true });
    socket.setTimeout(patienceMs, () => {
      fail(new Error(`no connection within ${patienceMs} ms`));
    });
    socket.once('error', fail);
    socket.once('connect', () => {
      signal?.removeEventListener('abort', aborted);
      socket.removeAllListeners('error').removeAllListeners('timeout');
      resolve(socket);
    });
  });
}

class Client implements RespClient {
  readonly #socket: Socket;
  readonly #reader = new ReplyReader();
  readonly #detach: () => void;
  #waiting: { resolve: (reply: Reply) => void; reject: (error: Error) => void } | undefined;
  #broken: Error | undefined;

  constructor(socket: Socket, { signal, patienceMs = 10_000 }: RespAddress) {
    this.#socket = socket;
    const aborted = () => {
      this.#fail(signal?.reason instanceof Error ? signal.reason : new Error('cancelled'));
    };
    signal?.addEventListener('abort', aborted, { once: true });
    this.#detach = () => signal?.removeEventListener('abort', aborted);
    socket.setTimeout(patienceMs, () => {
      if (this.#waiting) this.#fail(new Error(`no answer within ${patienceMs} ms`));
    });
    socket.on('error', (error) => {
      this.#fail(error);
    });
    socket.on('close', () => {
      this.#fail(new Error('the server closed the connection'));
    });
    socket.on('data', (chunk: Buffer) => {
      try {
        this.#take(this.#reader.push(chunk));
      } catch (error) {
        this.#fail(error as Error);
      }
    });
  }

  async ask(...words: readonly (string | Buffer)[]): Promise<Reply> {
    if (this.#waiting) throw new Error('one question at a time');
    const reply = await new Promise<Reply>((resolve, reject) => {
      if (this.#broken) {
        reject(this.#broken);
        return;
      }
      this.#waiting = { resolve, reject };
      this.#socket.write(encode(words));
    });
    if (reply instanceof RespError) throw reply;
    return reply;
  }

  async text(...words: readonly (string | Buffer)[]): Promise<string> {
    return asText(await this.ask(...words));
  }

  close(): void {
    this.#detach();
    this.#broken ??= new Error('the connection was closed here');
    this.#socket.destroy();
  }

  #take(reply: Reply | undefined): void {
    if (reply === undefined) return;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.resolve(reply);
  }

  #fail(error: Error): void {
    this.#broken ??= error;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.reject(error);
    this.close();
  }
}

/** What a reply says as text; numbers included, null as ''. */
export function asText(reply: Reply | undefined): string {
  if (reply instanceof Buffer) return reply.toString('utf8');
  return typeof reply === 'number' ? String(reply) : '';
}

/** The items of an array reply. */
export function asArray(reply: Reply | undefined): Reply[] {
  return Array.isArray(reply) ? reply : [];
}

function encode(words: readonly (string | Buffer)[]): Buffer {
  const parts: Buffer[] = [Buffer.from(`*${words.length}\r\n`)];
  for (const word of words) {
    const bytes = typeof word === 'string' ? Buffer.from(word) : word;
    parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n'));
  }
  return Buffer.concat(parts);
}

/** Puts a reply together from the pieces in which it arrives. Replies here are small: each piece starts the parse anew. */
export class ReplyReader {
  #buffer: Buffer = Buffer.alloc(0);
  #at = 0;

  /** The reply, once its last piece is in; undefined before. */
  push(chunk: Buffer): Reply | undefined {
    this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk]);
    this.#at = 0;
    const reply = this.#parse();
    if (reply !== undefined) this.#buffer = this.#buffer.subarray(this.#at);
    return reply;
  }

  #parse(): Reply | undefined {
    const end = this.#buffer.indexOf('\r\n', this.#at);
    if (end < 0) return undefined;
    const kind = String.fromCharCode(this.#buffer[this.#at] ?? 0);
    const rest = this.#buffer.toString('utf8', this.#at + 1, end);
    this.#at = end + 2;
    switch (kind) {
      case '+':
        return Buffer.from(rest);
      case '-':
        return new RespError(rest);
      case ':':
        return Number(rest);
      case '$':
        return this.#bulk(Number(rest));
      case '*':
        return this.#array(Number(rest));
      default:
        throw new Error(
          `this is not a Redis server: it answered ${JSON.stringify((kind + rest).slice(0, 60))}`,
        );
    }
  }

  #bulk(length: number): Reply | undefined {
    if (length < 0) return null;
    if (this.#buffer.length < this.#at + length + 2) return undefined;
    const bytes = Buffer.from(this.#buffer.subarray(this.#at, this.#at + length));
    this.#at += length + 2;
    return bytes;
  }

  #array(length: number): Reply | undefined {
    if (length < 0) return null;
    const items: Reply[] = [];
    for (let index = 0; index < length; index += 1) {
      const item = this.#parse();
      if (item === undefined) return undefined;
      items.push(item);
    }
    return items;
  }
}
