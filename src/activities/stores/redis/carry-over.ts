/** What else lies in a data directory (a configuration, access lists): it belongs to the server, not to the data replaced. */
import { chown, cp, lstat, readdir } from 'node:fs/promises';
import path from 'node:path';
import { failure } from '../../failures.ts';
import { isMark, type Mark } from './directories.ts';

/** Settings are small; what is larger belongs elsewhere. */
const most = 64 * 1024 * 1024;

/** Copies it from the live directory into the one that takes its place; the original stays with the replaced data. */
export async function carryOver(from: string, to: string, files: NonNullable<Mark['files']>): Promise<void> {
  const isData = (name: string) =>
    isMark(name) ||
    [files.dbFile, files.appendDirectory].includes(name) ||
    name.startsWith(files.appendFile) ||
    /^temp-.*\.(?:rdb|aof)$|\.(?:log|pid)$/.test(name);
  const others: string[] = [];
  let bytes = 0;
  for (const name of await readdir(from)) {
    const facts = await lstat(path.join(from, name));
    if (isData(name) || !(facts.isFile() || facts.isDirectory() || facts.isSymbolicLink())) continue;
    others.push(name);
    bytes += await sizeOf(path.join(from, name));
  }
  if (bytes > most) {
    throw failure('ConfigurationError', {
      what: `${from} holds ${Math.round(bytes / 1024 / 1024)} MiB beside the data of Redis: ${others.slice(0, 5).join(', ')}.`,
      hint: 'Move what is not Redis’ own out of its data directory; then try the step again. Nothing was changed.',
    });
  }
  for (const name of others) {
    await cp(path.join(from, name), path.join(to, name), {
      recursive: true,
      preserveTimestamps: true,
      verbatimSymlinks: true,
      force: true,
    });
    await ownAlike(path.join(from, name), path.join(to, name));
  }
}

async function entriesOf(file: string): Promise<string[]> {
  const facts = await lstat(file);
  return ['', ...(facts.isDirectory() ? await readdir(file, { recursive: true }) : [])];
}

async function sizeOf(file: string): Promise<number> {
  let bytes = 0;
  for (const entry of await entriesOf(file)) bytes += (await lstat(path.join(file, entry))).size;
  return bytes;
}

async function ownAlike(from: string, to: string): Promise<void> {
  if (process.getuid?.() !== 0) return;
  for (const entry of await entriesOf(from)) {
    const facts = await lstat(path.join(from, entry));
    if (!facts.isSymbolicLink()) await chown(path.join(to, entry), facts.uid, facts.gid);
  }
}
