/** How a stream of unknown length is cut into the parts of a multipart upload, in bounded memory. */

const mebibyte = 1024 * 1024;

/** S3's limit of parts in one upload. */
export const partLimit = 10_000;

/** Memory for parts on their way, in bytes, as long as two parts fit into it. */
const budget = 64 * mebibyte;

/**
 * Bytes of the part with this number (from 1). 8 MiB for the first 2,000 (16 GiB), then twice as much for each further
 * 1,000: 10,000 parts hold 4 TiB, near S3's limit of 5 TiB for an object.
 */
export function partBytes(number: number): number {
  return 8 * mebibyte * 2 ** Math.max(0, Math.ceil((number - 2000) / 1000));
}

/**
 * How many parts of this size may be on their way while one more is filled: 3 for 8 MiB (32 MiB of memory), 1 from 32 MiB
 * (64 MiB). Only objects over 62 GiB need more than 64 MiB: two parts of their size.
 */
export function partsInFlight(bytes: number): number {
  return Math.max(1, Math.min(3, Math.floor(budget / bytes) - 1));
}

/** Collects chunks of any size into part buffers of its own: a chunk may be part of a larger buffer that its owner uses again. */
export class PartBuffer {
  #buffer: Buffer;
  #used = 0;

  constructor(bytes: number, reuse?: Buffer) {
    this.#buffer = reuse?.length === bytes ? reuse : Buffer.allocUnsafeSlow(bytes);
  }

  get isFull(): boolean {
    return this.#used === this.#buffer.length;
  }

  /** Copies what fits of the chunk from `from` on; answers how many bytes that were. */
  take(chunk: Uint8Array, from: number): number {
    const bytes = Math.min(chunk.length - from, this.#buffer.length - this.#used);
    this.#buffer.set(chunk.subarray(from, from + bytes), this.#used);
    this.#used += bytes;
    return bytes;
  }

  get content(): Buffer {
    return this.#buffer.subarray(0, this.#used);
  }

  /** The memory, to be used again once nothing sends it any more. */
  get memory(): Buffer {
    return this.#buffer;
  }
}
