/** What no committed file may hold: paths of this machine, and hosts of package registries. */
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { run } from '../lib/run.ts';
import { root } from './markdown.ts';

const registries =
  /registry\.npmjs|registry\.yarnpkg|proxy\.golang|sum\.golang|repo1?\.maven|pypi\.org|crates\.io|deb\.debian|archive\.ubuntu/;

/** One line for each finding. Binary files are passed over. */
export async function foreignNames(): Promise<string[]> {
  const { stdout } = await run('git', ['ls-files', '-z'], { cwd: root });
  const files = stdout.split('\0').filter((file) => file !== '');
  const own = [root, homedir()].filter((directory) => directory.split('/').length > 2);
  const found = await Promise.all(
    files.map(async (file) => {
      const text = await readFile(path.join(root, file), 'utf8').catch(() => '');
      if (text.includes('\0')) return [];
      return text.split('\n').flatMap((line, index) => {
        const directory = own.find((one) => line.includes(one));
        const registry = registries.exec(line)?.[0];
        const where = `${file}:${index + 1}`;
        return [
          ...(directory === undefined ? [] : [`${where}: names ${directory}, a path of this machine`]),
          ...(registry === undefined ? [] : [`${where}: names the package registry ${registry}`]),
        ];
      });
    }),
  );
  return found.flat();
}
