/**
 * Code blocks of Markdown. What follows the language says what is done with a block: `sh check` is run as it stands, and
 * `sh check temporal` beside a Temporal server; in `console check` the lines that begin with `$ ` are run and the others are
 * what they must print, where a line `...` stands for any lines.
 */
export interface Block {
  file: string;
  /** Of its first line of text. */
  line: number;
  language: string;
  /** The words after the language. */
  words: string[];
  text: string;
}

export function blocksOf(file: string, markdown: string): Block[] {
  const blocks: Block[] = [];
  let open: { fence: string; info: string; line: number; lines: string[] } | undefined;
  for (const [index, line] of markdown.split('\n').entries()) {
    const [, indent = '', fence, info = ''] = /^( *)(`{3,})(.*)$/.exec(line) ?? [];
    if (open) {
      if (fence !== undefined && fence.length >= open.fence.length && info.trim() === '') {
        const [language = '', ...words] = open.info.trim().split(/\s+/);
        blocks.push({ file, line: open.line, language, words, text: open.lines.join('\n') });
        open = undefined;
      } else open.lines.push(line);
    } else if (fence !== undefined) {
      open = { fence: indent + fence, info, line: index + 2, lines: [] };
    }
  }
  if (open) throw new Error(`${file}:${open.line}: this code block has no end`);
  return blocks;
}

/** Markdown without its code blocks, line for line. */
export function proseOf(markdown: string): string {
  let open = false;
  return markdown
    .split('\n')
    .map((line) => {
      const fence = /^ *`{3,}/.test(line);
      if (fence) open = !open;
      return fence || open ? '' : line;
    })
    .join('\n');
}
