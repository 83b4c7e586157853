/** The end of a service's log, for a message. */
import { open } from 'node:fs/promises';

const mostBytes = 8 * 1024;

/** The last lines written since `offset` (bytes); empty when there are none or the file cannot be read. */
export async function logTail(file: string, offset = 0, lines = 15): Promise<string> {
  try {
    const handle = await open(file, 'r');
    try {
      const { size } = await handle.stat();
      // Shorter than it was: it was rotated, and all of it is new.
      const from = Math.max(size < offset ? 0 : offset, size - mostBytes);
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(mostBytes), 0, size - from, from);
      return buffer.subarray(0, bytesRead).toString('utf8').trimEnd().split('\n').slice(-lines).join('\n');
    } finally {
      await handle.close();
    }
  } catch {
    return '';
  }
}
