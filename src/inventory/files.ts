/** Inventory files: which there are, and their text. Only regular files of a sensible size and valid UTF-8 are read. */
import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Problem } from './problem.ts';
import { largestFile, tooLarge } from './yaml/read.ts';

/** The inventory files of a directory, by name; hidden ones (editors leave some) are not looked at. */
export async function inventoryFiles(directory: string): Promise<{ files: string[]; problems: Problem[] }> {
  try {
    const names = await readdir(directory);
    const files = names.filter((name) => /^[^.].*\.ya?ml$/.test(name)).sort();
    return { files: files.map((name) => join(directory, name)), problems: [] };
  } catch (error) {
    const expected = 'a directory of inventories, one YAML file a system';
    return { files: [], problems: [whole(directory, reason(error), expected)] };
  }
}

export async function readText(path: string): Promise<{ text: string } | { problem: Problem }> {
  try {
    // Opened only when it is a regular file: opening a pipe would wait for ever.
    const before = await stat(path);
    if (!before.isFile()) return { problem: whole(path, 'something other than a file', 'a YAML file') };
    if (before.size > largestFile) return { problem: tooLarge(path, before.size) };
    const handle = await open(path);
    try {
      return decode(await handle.readFile(), path);
    } finally {
      await handle.close();
    }
  } catch (error) {
    return { problem: whole(path, reason(error), 'a file that can be read') };
  }
}

function decode(bytes: Buffer, file: string): { text: string } | { problem: Problem } {
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch {
    const { line, column } = firstBadByte(bytes);
    const hint = 'Save the file as UTF-8, without a byte from another encoding.';
    return {
      problem: { file, line, column, path: '', found: 'bytes that are not UTF-8', expected: 'UTF-8', hint },
    };
  }
}

/** No byte of a longer UTF-8 sequence is a line feed, so each line can be decoded by itself. */
function firstBadByte(bytes: Buffer): { line: number; column: number } {
  let line = 1;
  for (let start = 0; start <= bytes.length; line++) {
    const feed = bytes.indexOf(0x0a, start);
    const end = feed < 0 ? bytes.length : feed;
    const replaced = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes.subarray(start, end));
    const written = bytes.subarray(start, end);
    if (!Buffer.from(replaced).equals(written)) return { line, column: replaced.indexOf('\ufffd') + 1 };
    start = end + 1;
  }
  return { line: 1, column: 1 };
}

function whole(file: string, found: string, expected: string): Problem {
  return { file, line: 1, column: 1, path: '', found, expected };
}

function reason(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'ENOENT') return 'nothing of this name';
  if (code === 'EACCES' || code === 'EPERM') return 'something this user may not read';
  if (code === 'ENOTDIR') return 'something that is not a directory';
  return `something that cannot be read (${code || 'unknown'})`;
}
