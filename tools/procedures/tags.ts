/**
 * Which test shows which procedure. A test says so itself, at the end of its title: `… [J9]`, or `… [J13 J14]` for several.
 * It counts only where real servers are used and nothing is answered from memory: see `realParts`.
 */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');

/** Tests below these use real PostgreSQL, Redis, Temporal, services and workers throughout. */
export const realParts = ['test/e2e/', 'test/crash/'];

const tag = String.raw`\[([A-Z][1-9]\d?(?:[ ,]+[A-Z][1-9]\d?)*)\]`;
const atEnd = new RegExp(`\\s${tag}$`);
/** A string, on one line, that ends with a tag and is followed by a comma: the title of a test. */
const literal = new RegExp(String.raw`(['"${'`'}])((?:\\.|(?!\1)[^\\\n])*\s${tag})\1\s*,`, 'g');

export interface TaggedTest {
  /** From the root of the project. */
  file: string;
  title: string;
  ids: string[];
}

/** The ids at the end of a title; none when it has no tag. */
export function idsOf(title: string): string[] {
  return atEnd.exec(title)?.[1]?.split(/[ ,]+/) ?? [];
}

/** The titles with tags in a test file's text. */
export function taggedTitles(text: string): string[] {
  return [...text.matchAll(literal)].map((found) => (found[2] ?? '').replace(/\\(['"`])/g, '$1'));
}

/** Every tagged test there is, wherever it stands. */
export async function taggedTests(): Promise<TaggedTest[]> {
  const names = (await readdir(path.join(root, 'test'), { recursive: true }))
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => `test/${name}`)
    .sort();
  const found = await Promise.all(
    names.map(async (file) =>
      taggedTitles(await readFile(path.join(root, file), 'utf8')).map((title) => ({
        file,
        title,
        ids: idsOf(title),
      })),
    ),
  );
  return found.flat();
}

export function usesRealParts(file: string): boolean {
  return realParts.some((directory) => file.startsWith(directory));
}
