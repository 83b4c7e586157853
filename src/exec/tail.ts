/** The end of a stream: however much is printed, no more than the limit (and one chunk) is held. */
import { longestVariant, redact } from './redact.ts';

export class Tail {
  readonly #limit: number;
  readonly #chunks: Buffer[] = [];
  #held = 0;
  /** Bytes seen in all. */
  seen = 0;

  /** `limit` in bytes. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get truncated(): boolean {
    return this.seen > this.#limit;
  }

  add(chunk: Buffer): void {
    this.seen += chunk.length;
    this.#chunks.push(chunk);
    this.#held += chunk.length;
    let first = this.#chunks[0];
    while (first && this.#held - first.length >= this.#limit) {
      this.#held -= first.length;
      this.#chunks.shift();
      first = this.#chunks[0];
    }
    if (this.#chunks.length > 1024) this.#chunks.splice(0, this.#chunks.length, Buffer.concat(this.#chunks));
  }

  /** The end of the text. Where the cut went through a secret, the half of it that is left is dropped too. */
  text(secrets: readonly string[] = []): string {
    const all = Buffer.concat(this.#chunks);
    const kept = all.subarray(Math.max(0, all.length - this.#limit));
    const text = redact(kept.toString('utf8'), secrets);
    return this.truncated ? text.slice(longestVariant(secrets)) : text;
  }
}

/** The last lines of a text, for a message: at most `lines` lines and `characters` characters. */
export function lastLines(text: string, lines = 20, characters = 2000): string {
  const end = text.trimEnd().split('\n').slice(-lines).join('\n');
  return end.length > characters ? `…${end.slice(-characters)}` : end;
}
