/**
 * The workflow code, bundled once and kept under dist/ with the hash of everything that went into it in its name: a
 * worker starts without webpack, and an old bundle can never be used for new code.
 *
 * Run by itself (`npm run build:bundle`) it prebuilds the bundle, as an image build does.
 */
import { createHash, randomUUID } from 'node:crypto';
import { access, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';

const project = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
/** The real runbooks. */
export const workflowsEntry = path.join(project, 'src/workflows/index.ts');
const payloadConverterPath = path.join(project, 'src/workflows/payloads.ts');
const dist = path.join(project, 'dist');

export interface BundleOptions {
  /** The file whose exports are the workflows. */
  entry?: string;
  directory?: string;
  /** Told before the slow build, and what became of it. */
  say?: (line: string) => void;
}

/** What `Worker.create` takes as `workflowBundle`. `code` only when the directory cannot be written. */
export type Bundle = { codePath: string } | { code: string };

/** The bundle for the sources as they are now: the kept one, or (about five seconds) a new one. */
export async function workflowBundle(options: BundleOptions = {}): Promise<Bundle> {
  const { entry = workflowsEntry, directory = dist, say = () => undefined } = options;
  const file = path.join(directory, `workflow-bundle-${await bundleHash(entry)}.js`);
  if (await exists(file)) return { codePath: file };

  const started = performance.now();
  say('Building the workflow bundle (once for each version of the code) ...');
  // webpack and swc load slowly: only a build pays for them.
  const { bundleWorkflowCode } = await import('@temporalio/worker');
  const messages: string[] = [];
  const note = (_level: unknown, message: string) => void messages.push(message);
  const quiet = (message: string) => void messages.push(message);
  let code: string;
  try {
    ({ code } = await bundleWorkflowCode({
      workflowsPath: entry,
      payloadConverterPath,
      logger: { log: note, trace: quiet, debug: quiet, info: quiet, warn: quiet, error: quiet },
    }));
  } catch (error) {
    throw new Error(
      `The workflow code cannot be bundled: ${(error as Error).message}\n${essence(messages)}`,
      {
        cause: error,
      },
    );
  }
  const took = ((performance.now() - started) / 1000).toFixed(1);
  try {
    await mkdir(directory, { recursive: true });
    // Renamed into place: a worker that starts at the same moment sees no bundle or a whole one.
    const unfinished = `${file}.${randomUUID()}.tmp`;
    await writeFile(unfinished, code);
    await rename(unfinished, file);
  } catch (error) {
    say(
      `Built in ${took} s; ${directory} cannot be written (${(error as NodeJS.ErrnoException).code}), so it is not kept`,
    );
    return { code };
  }
  say(`Built in ${took} s: ${path.relative(process.cwd(), file)}`);
  await removeOld(directory, file);
  return { codePath: file };
}

/** The lines of webpack's output that say what is wrong; it prints everywhere it looked. */
function essence(messages: readonly string[]): string {
  const lines = messages.flatMap((message) => stripVTControlCharacters(message).split('\n'));
  return lines
    .filter((line) => /^(?:ERROR|Module|\s*[x×]\s)|Error:/.test(line))
    .slice(0, 10)
    .join('\n');
}

/** SHA-256, shortened, over the entry, every file it imports, and the version of every package among them. */
export async function bundleHash(entry: string): Promise<string> {
  const files = new Map<string, string>();
  const packages = new Set(['@temporalio/worker', '@temporalio/workflow']);
  const queue = [entry, payloadConverterPath];
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    if (files.has(file)) continue;
    const source = await readFile(file, 'utf8');
    files.set(file, source);
    for (const [, specifier = ''] of source.matchAll(/\b(?:from|import)\s*\(?\s*['"]([^'"]+)['"]/g)) {
      if (specifier.startsWith('.')) {
        const imported = path.resolve(path.dirname(file), specifier);
        if (await exists(imported)) queue.push(imported);
      } else if (!specifier.startsWith('node:')) {
        packages.add(
          specifier
            .split('/')
            .slice(0, specifier.startsWith('@') ? 2 : 1)
            .join('/'),
        );
      }
    }
  }
  const hash = createHash('sha256');
  for (const [file, source] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    hash.update(`${path.relative(project, file)}\0${source}\0`);
  }
  for (const name of [...packages].sort()) hash.update(`${name}@${await versionOf(name)}\0`);
  return hash.digest('hex').slice(0, 16);
}

async function versionOf(name: string): Promise<string> {
  for (const directory of createRequire(import.meta.url).resolve.paths(name) ?? []) {
    try {
      const text = await readFile(path.join(directory, name, 'package.json'), 'utf8');
      return (JSON.parse(text) as { version: string }).version;
    } catch {
      // Not in this node_modules: the next one up.
    }
  }
  return 'none';
}

/** Keeps the five newest, so that going back and forth between versions costs nothing and dist/ does not grow. */
async function removeOld(directory: string, current: string): Promise<void> {
  const names = (await readdir(directory)).filter((name) => /^workflow-bundle-[0-9a-f]+\.js$/.test(name));
  const aged = await Promise.all(
    names.map(async (name) => {
      const file = path.join(directory, name);
      return { file, time: (await stat(file).catch(() => undefined))?.mtimeMs ?? 0 };
    }),
  );
  const old = aged
    .filter(({ file }) => file !== current)
    .sort((a, b) => b.time - a.time)
    .slice(4);
  await Promise.all(old.map(async ({ file }) => await rm(file, { force: true })));
}

async function exists(file: string): Promise<boolean> {
  return await access(file).then(
    () => true,
    () => false,
  );
}

if (import.meta.main) {
  const bundle = await workflowBundle({ say: (line) => console.error(line) });
  console.log('codePath' in bundle ? bundle.codePath : 'not kept');
}
