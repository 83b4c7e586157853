/**
 * Redis' own checksum of a dump: CRC-64 (Jones) over everything before the last 8 bytes, which hold it (little-endian).
 * Redis' checker needs a file; this looks at a stream of any size as it goes by.
 */

/** The reflected form of Jones' polynomial 0xad93d23594c935a9, as in redis/src/crc64.c, in two halves. */
const polynomial = { high: 0x95ac9329, low: 0xac4bc9b5 };
const footerBytes = 8;

const highs = new Uint32Array(256);
const lows = new Uint32Array(256);
for (let byte = 0; byte < 256; byte += 1) {
  let high = 0;
  let low = byte;
  for (let bit = 0; bit < 8; bit += 1) {
    const odd = low & 1;
    low = (low >>> 1) | ((high & 1) << 31);
    high >>>= 1;
    if (odd) {
      high ^= polynomial.high;
      low ^= polynomial.low;
    }
  }
  highs[byte] = high;
  lows[byte] = low;
}

export interface RdbFinding {
  /** What is wrong; absent when nothing is. */
  problem?: string;
  /** False when the server wrote the dump without a checksum (`rdbchecksum no`). */
  hasChecksum: boolean;
}

export class RdbCheck {
  #high = 0;
  #low = 0;
  #bytes = 0;
  #header = Buffer.alloc(0);
  /** The last bytes seen, which may be the footer; and the one before, which ends the data. */
  #tail = Buffer.alloc(0);
  #last = -1;

  update(chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#header.length < 9)
      this.#header = Buffer.concat([this.#header, chunk.subarray(0, 9)]).subarray(0, 9);
    if (chunk.length >= footerBytes) {
      this.#add(this.#tail);
      this.#add(chunk.subarray(0, chunk.length - footerBytes));
      this.#tail = Buffer.from(chunk.subarray(chunk.length - footerBytes));
      return;
    }
    const joined = Buffer.concat([this.#tail, chunk]);
    const done = Math.max(0, joined.length - footerBytes);
    this.#add(joined.subarray(0, done));
    this.#tail = joined.subarray(done);
  }

  end(): RdbFinding {
    const header = this.#header.toString('latin1');
    if (!/^REDIS\d{4}$/.test(header))
      return { problem: 'it does not begin like a Redis dump', hasChecksum: false };
    if (this.#last !== 0xff || this.#tail.length < footerBytes) {
      return {
        problem: `it ends in the middle of the data, after ${this.#bytes.toLocaleString('en')} bytes`,
        hasChecksum: false,
      };
    }
    const stored = { low: this.#tail.readUInt32LE(0), high: this.#tail.readUInt32LE(4) };
    if (stored.low === 0 && stored.high === 0) return { hasChecksum: false };
    const same = stored.low === this.#low >>> 0 && stored.high === this.#high >>> 0;
    return same
      ? { hasChecksum: true }
      : { problem: "Redis' checksum at its end does not match", hasChecksum: true };
  }

  #add(bytes: Buffer): void {
    let high = this.#high;
    let low = this.#low;
    for (let at = 0; at < bytes.length; at += 1) {
      const index = (low ^ (bytes[at] as number)) & 0xff;
      low = ((low >>> 8) | (high << 24)) ^ (lows[index] as number);
      high = (high >>> 8) ^ (highs[index] as number);
    }
    this.#high = high;
    this.#low = low;
    this.#last = bytes.at(-1) ?? this.#last;
  }
}
