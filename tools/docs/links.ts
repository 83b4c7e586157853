/** Links and names of files in Markdown that lead nowhere. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { proseOf } from './blocks.ts';
import { root } from './markdown.ts';

/** Of names in code: those that begin with a folder of ours are files of ours. */
const named = /^(?:src|test|tools|docs|demo|systems|deploy|bin|\.ci)\/[\w./-]*$/;

/** One line for each that is wrong: `README.md:12: …`. */
export async function brokenLinks(file: string, markdown: string): Promise<string[]> {
  const problems: string[] = [];
  for (const [index, line] of proseOf(markdown).split('\n').entries()) {
    const where = `${file}:${index + 1}`;
    for (const [, target = ''] of line.matchAll(/\]\(([^()\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const why = await brokenLink(file, markdown, target);
      if (why) problems.push(`${where}: the link ${target} ${why}`);
    }
    for (const [, name = ''] of line.matchAll(/`([^`]+)`/g)) {
      if (named.test(name) && !existsSync(path.join(root, name)))
        problems.push(`${where}: there is no ${name}`);
    }
  }
  return problems;
}

async function brokenLink(file: string, markdown: string, target: string): Promise<string | undefined> {
  const [name = '', anchor] = target.split('#');
  const linked = name === '' ? file : path.join(path.dirname(file), name);
  if (linked.startsWith('..')) return 'leads out of the project';
  if (!existsSync(path.join(root, linked))) return 'leads nowhere';
  if (anchor === undefined || !linked.endsWith('.md')) return undefined;
  const text = name === '' ? markdown : await readFile(path.join(root, linked), 'utf8');
  return anchors(text).has(anchor) ? undefined : 'names a heading that is not there';
}

/** As GitHub makes them. */
function anchors(markdown: string): Set<string> {
  const headings = [...proseOf(markdown).matchAll(/^#{1,6} +(.*)$/gm)].map((found) => found[1] ?? '');
  return new Set(
    headings.map((heading) =>
      heading
        .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .trim()
        .replace(/\s/g, '-'),
    ),
  );
}
