/**
 * `node tools/generate-docs.ts`: writes docs/runbooks.md, docs/coverage.md, docs/cli.md, the table of exit codes in
 * docs/operations.md and the run in README.md. Run it when a runbook, the command or the tests of a procedure change.
 */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { root } from './docs/markdown.ts';
import { generatedPages } from './docs/pages.ts';

for (const [file, text] of await generatedPages()) {
  await writeFile(path.join(root, file), text);
  console.log(file);
}
