/** From a path in the data to its place in the file. */
import { isAlias, isMap, isNode, isScalar, isSeq, type Document } from 'yaml';
import type { Finding, Problem } from '../problem.ts';
import { formatPath } from '../problem.ts';
import type { Source } from './read.ts';

/** Offset of the key or value at the end of the path; where the file does not go so far, of the last key on the way. */
function offsetOf(document: Document, finding: Finding): number {
  let node: unknown = document.contents;
  let last = start(node) ?? 0;
  for (const [index, part] of finding.path.entries()) {
    const inside: unknown = isAlias(node) ? node.resolve(document) : node;
    const end = index === finding.path.length - 1;
    if (isSeq(inside)) {
      node = inside.items[Number(part)];
      if (node === undefined) return last;
      last = start(node) ?? last;
      continue;
    }
    if (!isMap(inside)) return last;
    const pair = inside.items.find(({ key }) => isScalar(key) && String(key.value) === String(part));
    if (!pair) return last;
    last = start(pair.key) ?? last;
    node = pair.value;
    if (end && finding.at === 'value') return written(node) ? (start(node) ?? last) : last;
  }
  return last;
}

/** False for the value of `key:` with nothing after it: its place is the key. */
function written(node: unknown): boolean {
  return !isScalar(node) || node.value !== null || (node.source ?? '') !== '';
}

function start(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined;
}

export function locate(source: Source, file: string, finding: Finding): Problem {
  const { found, expected, hint } = finding;
  const place = source.place(offsetOf(source.document, finding));
  return { file, ...place, path: formatPath(finding.path), found, expected, ...(hint ? { hint } : {}) };
}
