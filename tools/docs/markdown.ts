/** Small parts of Markdown, and the formatting every page gets. */
import path from 'node:path';
import { format, resolveConfig } from 'prettier';

export const root = path.resolve(import.meta.dirname, '../..');

/** Formatted as `npm run format` would. @param file from the root of the project. */
export async function formatted(file: string, text: string): Promise<string> {
  const filepath = path.join(root, file);
  return await format(text, { ...(await resolveConfig(filepath)), filepath });
}

export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n');
}

/** Text in a cell: neither a column of its own nor, outside of code, a tag. */
function cell(text: string): string {
  const pieces = text.replace(/\s*\n\s*/g, ' ').split(/(`[^`]*`)/);
  return pieces
    .map((piece) => (piece.startsWith('`') ? piece : piece.replace(/</g, '&lt;')))
    .join('')
    .replace(/\|/g, '\\|');
}

export function code(text: string): string {
  return `\`${text}\``;
}

export function fence(language: string, text: string): string {
  return `\`\`\`${language}\n${text.trimEnd()}\n\`\`\``;
}

export const generatedBy =
  'This page is generated: run `node tools/generate-docs.ts` rather than editing it.';
