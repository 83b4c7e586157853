/** `node tools/generate-schema.ts`: writes what is generated from the schema of the inventory. Run it when the schema changes. */
import { mkdir, writeFile } from 'node:fs/promises';
import { generated } from './inventory/generate.ts';

const root = new URL('../', import.meta.url);
for (const [path, text] of await generated()) {
  const target = new URL(path, root);
  await mkdir(new URL('.', target), { recursive: true });
  await writeFile(target, text);
  console.log(path);
}
