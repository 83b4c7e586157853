/** Looks at what is inside an object while its plain bytes go by: does the dump open, as the kind of dump it should be? */
import type { z } from 'zod';
import { CommandError, type Running, start } from '../../exec/index.ts';
import { newerFormat } from './contents-format.ts';
import { complaintOf, feed } from './decode.ts';
import { type ComponentRecord, postgresContents, redisContents, type StoredObject } from './manifest.ts';
import { RdbCheck } from './rdb.ts';

export interface Inspection {
  problems: string[];
  notes: string[];
  /** It is a dump of the component's type, rather than something beside it. */
  isDump: boolean;
}

export interface Inspector {
  update(chunk: Buffer): Promise<void>;
  end(): Promise<Inspection>;
  /** Ends what it started, when the bytes will not come to an end. */
  stop(): void;
}

/** What the end of a dump's table of contents must arrive within, in milliseconds: the stream feeds it. */
const listTimeout = 24 * 60 * 60_000;
const contentsLimit = 64 * 1024 * 1024;

export function inspectorOf(
  component: ComponentRecord,
  object: StoredObject,
  signal: AbortSignal,
): Inspector {
  if (object.name === 'contents.json') {
    return new ContentsInspector(component.type === 'postgres' ? postgresContents : redisContents);
  }
  return new DumpInspector(component.type, signal);
}

/** Waits for the first bytes to tell what it is. */
class DumpInspector implements Inspector {
  readonly #type: ComponentRecord['type'];
  readonly #signal: AbortSignal;
  #head = Buffer.alloc(0);
  #inner: Inspector | undefined;
  #unknown = false;

  constructor(type: ComponentRecord['type'], signal: AbortSignal) {
    this.#type = type;
    this.#signal = signal;
  }

  async update(chunk: Buffer): Promise<void> {
    if (this.#unknown) return;
    if (this.#inner) return await this.#inner.update(chunk);
    this.#head = Buffer.concat([this.#head, chunk]);
    if (this.#head.length < 5) return;
    const magic = this.#head.subarray(0, 5).toString('latin1');
    if (this.#type === 'postgres' && magic === 'PGDMP') this.#inner = new PostgresInspector(this.#signal);
    else if (this.#type === 'redis' && magic === 'REDIS') this.#inner = new RedisInspector();
    else this.#unknown = true;
    await this.#inner?.update(this.#head);
  }

  async end(): Promise<Inspection> {
    return this.#inner ? await this.#inner.end() : { problems: [], notes: [], isDump: false };
  }

  stop(): void {
    this.#inner?.stop();
  }
}

/** `pg_restore --list` reads the table of contents from the beginning of the stream, and needs no more. */
class PostgresInspector implements Inspector {
  readonly #signal: AbortSignal;
  #running: Running | undefined;
  #missing = false;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  async update(chunk: Buffer): Promise<void> {
    this.#start();
    await feed(this.#running?.stdin ?? null, chunk);
  }

  async end(): Promise<Inspection> {
    const found: Inspection = { problems: [], notes: [], isDump: true };
    if (this.#missing) {
      found.notes.push('pg_restore is not installed here: only its hash and compression were checked');
      return found;
    }
    const running = this.#running;
    if (!running) return found;
    if (!running.stdin?.destroyed) running.stdin?.end();
    try {
      const { stdout } = await running.finished;
      if (!stdout.includes('TOC Entries') && !/^\d+; \d+/m.test(stdout))
        found.problems.push('pg_restore --list shows nothing in it');
    } catch (error) {
      if (!(error instanceof CommandError) || error.reason !== 'exit') throw error;
      found.problems.push(`pg_restore --list cannot read it: ${complaintOf(error)}`);
    }
    return found;
  }

  stop(): void {
    this.#running?.stop('the object was not read to its end');
    this.#running?.finished.catch(() => {});
  }

  #start(): void {
    if (this.#running || this.#missing) return;
    try {
      const command = { argv: ['pg_restore', '--list'] as [string, ...string[]], timeoutMs: listTimeout };
      this.#running = start(command, this.#signal, { stdin: 'pipe' });
    } catch (error) {
      if (!(error instanceof CommandError) || error.reason !== 'not-found') throw error;
      this.#missing = true;
    }
    // Asked for in `end`; until then nobody waits for it.
    this.#running?.finished.catch(() => {});
    this.#running?.stdin?.on('error', () => {}); // It stops reading once it has seen enough.
  }
}

class RedisInspector implements Inspector {
  readonly #check = new RdbCheck();

  async update(chunk: Buffer): Promise<void> {
    this.#check.update(chunk);
  }

  async end(): Promise<Inspection> {
    const { problem, hasChecksum } = this.#check.end();
    return {
      problems: problem === undefined ? [] : [problem],
      notes:
        problem === undefined && !hasChecksum ? ['Redis wrote it without a checksum (rdbchecksum no)'] : [],
      isDump: true,
    };
  }

  stop(): void {}
}

class ContentsInspector implements Inspector {
  readonly #schema: z.ZodType;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(schema: z.ZodType) {
    this.#schema = schema;
  }

  async update(chunk: Buffer): Promise<void> {
    this.#bytes += chunk.length;
    if (this.#bytes <= contentsLimit) this.#chunks.push(chunk);
  }

  async end(): Promise<Inspection> {
    const found: Inspection = { problems: [], notes: [], isDump: false };
    if (this.#bytes > contentsLimit) {
      found.notes.push(`larger than ${contentsLimit.toLocaleString('en')} bytes: its form was not checked`);
      return found;
    }
    try {
      const json: unknown = JSON.parse(Buffer.concat(this.#chunks).toString('utf8'));
      const newer = newerFormat(json);
      const parsed = this.#schema.safeParse(json);
      if (newer !== undefined)
        found.notes.push(`its format ${newer} is newer than this worker reads: its form was not checked`);
      else if (!parsed.success)
        found.problems.push('it is not a list of contents that a restore can be compared with');
    } catch {
      found.problems.push('it is not JSON');
    }
    return found;
  }

  stop(): void {}
}
