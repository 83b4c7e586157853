/** One psql session kept open: holds a snapshot, or runs check after check without a new connection for each. */
import { randomUUID } from 'node:crypto';
import { createInterface, type Interface } from 'node:readline';
import type { Running } from '../../../exec/index.ts';

export interface SqlError {
  /** Five characters; see the appendix of PostgreSQL's manual. */
  sqlState: string;
  message: string;
}

export interface Answer {
  lines: string[];
  error: SqlError | null;
}

export class Session {
  readonly #running: Running;
  readonly #explain: (error: unknown) => unknown;
  readonly #lines: AsyncIterator<string>;
  readonly #reader: Interface;
  /** A question is under way, or was lost. */
  #unanswered = false;

  constructor(running: Running, explain: (error: unknown) => unknown) {
    this.#running = running;
    this.#explain = explain;
    if (!running.stdout) throw new TypeError('a session needs its output');
    this.#reader = createInterface({ input: running.stdout, crlfDelay: Infinity });
    this.#lines = this.#reader[Symbol.asyncIterator]();
    // psql's end is told by `finished`.
    running.stdout.on('error', () => this.#reader.close());
  }

  /**
   * Runs one or more statements to the end; an error of the server is in the answer, and ends none but that statement.
   * Throws when the session itself is lost. Not to be called again before it has answered.
   */
  async try(sql: string): Promise<Answer> {
    const mark = randomUUID();
    // :LAST_ERROR_MESSAGE keeps an older error for ever; :ERROR tells of the last statement only.
    this.#write(
      `\\set ON_ERROR_STOP 0\n${sql};\n\\echo ${mark} :ERROR :SQLSTATE :LAST_ERROR_MESSAGE\n\\echo ${mark} end\n`,
    );
    const lines: string[] = [];
    let status: string | undefined;
    for (;;) {
      const line = await this.#next();
      if (line === `${mark} end`) break;
      if (status !== undefined) status += ` ${line}`;
      else if (line.startsWith(`${mark} `)) status = line.slice(mark.length + 1);
      else lines.push(line);
    }
    this.#unanswered = false;
    const [isError = '', sqlState = '', ...words] = (status ?? '').split(' ');
    return { lines, error: isError === 'true' ? { sqlState, message: words.join(' ') } : null };
  }

  /** Runs statements of which none may fail; the first that does ends the session. */
  async ask(sql: string): Promise<string[]> {
    const mark = randomUUID();
    this.#write(`\\set ON_ERROR_STOP 1\n${sql};\n\\echo ${mark}\n`);
    const lines: string[] = [];
    for (;;) {
      const line = await this.#next();
      if (line === mark) break;
      lines.push(line);
    }
    this.#unanswered = false;
    return lines;
  }

  /**
   * Ends it in good order; what it did in an open transaction is rolled back. An answer that is still to come is not waited
   * for: it may take hours, or wait for a lock that somebody keeps.
   */
  async close(): Promise<void> {
    if (this.#unanswered) this.#running.stop('its answer is not wanted any more');
    this.#running.stdin?.end();
    this.#running.stdout?.resume();
    this.#reader.close();
    try {
      await this.#running.finished;
    } catch {
      // Whatever it was asked for has been answered, or has failed already.
    }
  }

  #write(text: string): void {
    // psql would cut the statement off there, and wait for its end for ever.
    if (text.includes('\0')) throw new RangeError('SQL cannot hold NUL');
    this.#unanswered = true;
    this.#running.stdin?.write(text);
  }

  async #next(): Promise<string> {
    try {
      const next = await this.#lines.next();
      if (!next.done) return next.value;
      await this.#running.finished;
    } catch (error) {
      // The output breaks with the same error that psql ended with.
      throw this.#explain(error);
    }
    throw this.#explain(new Error('psql ended before it had answered'));
  }
}
