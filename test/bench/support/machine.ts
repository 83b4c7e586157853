/** On what the figures were taken. */
import { readFileSync } from 'node:fs';
import { arch, availableParallelism, cpus, release, totalmem } from 'node:os';
import { run } from '../../../tools/lib/run.ts';

/** One line for each fact. */
export async function machineFacts(): Promise<[string, string][]> {
  const version = async (program: string, ...args: string[]) =>
    await run(program, args).then(
      ({ stdout, stderr }) => (stdout || stderr).trim().split('\n')[0] ?? '',
      () => 'not found',
    );
  return [
    ['Processor', `${cpus()[0]?.model.trim() ?? 'unknown'}, ${availableParallelism()} cores`],
    ['Memory', `${Math.round(totalmem() / 2 ** 30)} GiB`],
    ['System', `${distribution()}, Linux ${release()}, ${arch()}`],
    ['Node', process.version],
    ['PostgreSQL', await version('pg_dump', '--version')],
    ['zstd', await version('zstd', '--version')],
    ['S3 client of the script', await version('rclone', 'version')],
  ];
}

function distribution(): string {
  try {
    return /^PRETTY_NAME="(.*)"$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'unknown';
  } catch {
    return 'unknown';
  }
}
