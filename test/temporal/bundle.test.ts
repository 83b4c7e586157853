/** The prebuilt bundle: built once, found again, never stale, never half written. */
import { readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { bundleHash, workflowBundle } from '../../src/temporal/bundle.ts';
import { temporaryDirectory } from '../../tools/lib/directories.ts';

async function sources() {
  const directory = await temporaryDirectory();
  const entry = path.join(directory, 'index.ts');
  await symlink(
    path.resolve(import.meta.dirname, '../../node_modules'),
    path.join(directory, 'node_modules'),
  );
  const part = path.join(directory, 'part.ts');
  await writeFile(
    entry,
    "import { answer } from './part.ts';\nexport async function small(): Promise<number> {\n  return answer;\n}\n",
  );
  await writeFile(part, 'export const answer: number = 41;\n');
  return { directory, entry, part, dist: path.join(directory, 'dist') };
}

test('is built at the first start and found at the second; a change of an imported file makes another', async () => {
  const { entry, part, dist } = await sources();
  const said: string[] = [];
  const options = { entry, directory: dist, say: (line: string) => void said.push(line) };
  const first = await workflowBundle(options);
  expect(said.join('\n')).toMatch(/Building.*\n.*Built in/);
  expect('codePath' in first && (await readFile(first.codePath, 'utf8'))).toContain('41');

  said.length = 0;
  expect(await workflowBundle(options)).toEqual(first);
  expect(said).toEqual([]);

  await writeFile(part, 'export const answer: number = 42;\n');
  const second = await workflowBundle(options);
  expect(second).not.toEqual(first);
  expect('codePath' in second && (await readFile(second.codePath, 'utf8'))).toContain('42');
  expect((await readdir(dist)).every((name) => /^workflow-bundle-[0-9a-f]{16}\.js$/.test(name))).toBe(true);
});

test('several that start at once end with the same whole bundle', async () => {
  const { entry, dist } = await sources();
  const bundles = await Promise.all([1, 2].map(async () => await workflowBundle({ entry, directory: dist })));
  expect(bundles[0]).toEqual(bundles[1]);
  expect(await readdir(dist)).toHaveLength(1);
});

test('the hash follows what is imported, not where the checkout is or what lies beside', async () => {
  const { directory, entry } = await sources();
  const before = await bundleHash(entry);
  await writeFile(path.join(directory, 'unrelated.ts'), 'export const other = 1;\n');
  expect(await bundleHash(entry)).toBe(before);
});

test('a directory that cannot be written is no obstacle', async () => {
  const { directory, entry } = await sources();
  const file = path.join(directory, 'a-file');
  await writeFile(file, '');
  const said: string[] = [];
  const bundle = await workflowBundle({
    entry,
    directory: path.join(file, 'dist'),
    say: (line) => void said.push(line),
  });
  expect('code' in bundle && bundle.code.length).toBeGreaterThan(1000);
  expect(said.join('\n')).toContain('not kept');
});

test('code that cannot be bundled says why', async () => {
  const { entry, dist } = await sources();
  await writeFile(entry, "import { missing } from './nowhere.ts';\nexport const small = missing;\n");
  await expect(workflowBundle({ entry, directory: dist })).rejects.toThrow(/nowhere/);
});
