/** Programs that come as packages of Debian and Ubuntu. */
import { onPath, postgresBinaries } from '../lib/find.ts';
import { seconds } from '../lib/cache.ts';
import { run } from '../lib/run.ts';
import type { Say } from './say.ts';

interface SystemProgram {
  readonly package: string;
  readonly isThere: () => boolean;
}

const programs = {
  postgres: { package: 'postgresql', isThere: () => postgresBinaries() !== undefined },
  redis: { package: 'redis-server', isThere: () => onPath('redis-server') !== undefined },
  zstd: { package: 'zstd', isThere: () => onPath('zstd') !== undefined },
  age: { package: 'age', isThere: () => onPath('age') !== undefined },
} satisfies Record<string, SystemProgram>;

export type SystemProgramName = keyof typeof programs;

export const systemPrograms = Object.keys(programs) as SystemProgramName[];

/**
 * Makes sure that the programs are there, in one apt-get run for all that are missing.
 * @throws Error with the one command to type, when we may not install packages.
 */
export async function ensurePrograms(wanted: readonly SystemProgramName[], say: Say): Promise<void> {
  const missing = wanted.filter((name) => !programs[name].isThere());
  if (missing.length === 0) return;
  const packages = missing.map((name) => programs[name].package);
  const install = ['apt-get', 'install', '--yes', '--no-install-recommends', ...packages];
  const asRoot = await rootPrefix();
  if (asRoot === undefined || onPath('apt-get') === undefined) {
    throw new Error(
      `Missing on this machine: ${packages.join(', ')}. Install them and run this again:\n` +
        `  sudo apt-get update && sudo ${install.join(' ')}\n` +
        'or, elsewhere than on Debian and Ubuntu, the packages of your system that have the same programs.',
    );
  }
  const started = performance.now();
  say(`system packages: installing ${packages.join(', ')} with ${[...asRoot, ...install].join(' ')} ...`);
  if (missing.includes('postgres')) {
    say(
      'system packages: Debian also makes a cluster of its own in /var/lib/postgresql; it is not used here',
    );
  }
  try {
    await runApt(asRoot, install);
  } catch {
    // The lists of packages may be absent (a fresh container) or old.
    await runApt(asRoot, ['apt-get', 'update']);
    await runApt(asRoot, install);
  }
  const stillMissing = missing.filter((name) => !programs[name].isThere());
  if (stillMissing.length > 0) {
    throw new Error(`Installed ${packages.join(', ')}, but still not found: ${stillMissing.join(', ')}`);
  }
  say(`system packages: ready after ${seconds(started)}`);
}

async function runApt(asRoot: readonly string[], command: readonly string[]): Promise<void> {
  const [program, ...args] = [...asRoot, ...command];
  await run(program ?? '', args, { env: { DEBIAN_FRONTEND: 'noninteractive' }, timeoutMs: 900_000 });
}

/** What to put before a command to run it as root without being asked; undefined when that is not possible. */
async function rootPrefix(): Promise<string[] | undefined> {
  if (process.getuid?.() === 0) return [];
  const sudo = onPath('sudo');
  if (sudo === undefined) return undefined;
  try {
    await run(sudo, ['-n', 'true'], { timeoutMs: 5_000 });
    return [sudo, '-n', '--preserve-env=DEBIAN_FRONTEND'];
  } catch {
    return undefined;
  }
}
