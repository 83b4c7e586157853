/** A Node program as a process of its own, known to be ready by a line it prints. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

export interface Program {
  readonly pid: number;
  /** Milliseconds from its start to the line. */
  readonly readyMs: number;
  kill(signal?: NodeJS.Signals): Promise<void>;
}

const programs = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of programs) child.kill('SIGKILL');
});

/** Starts `node` with these arguments; resolves when a line of its output begins with `readyLine`. */
export async function startProgram(args: readonly string[], readyLine: string): Promise<Program> {
  const started = performance.now();
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TEMPORAL_CONFIG_FILE: '/dev/null' },
  });
  programs.add(child);
  const exited = once(child, 'exit').then(() => programs.delete(child));
  const readyMs = await new Promise<number>((resolve, reject) => {
    let printed = '';
    const read = (chunk: Buffer) => {
      printed = (printed + chunk.toString()).slice(-20_000);
      if (`\n${printed}`.includes(`\n${readyLine}`)) resolve(performance.now() - started);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    void exited.then(() => {
      reject(new Error(`${args.join(' ')} ended before it was ready:\n${printed.slice(-2000)}`));
    });
  });
  return {
    pid: child.pid ?? 0,
    readyMs,
    async kill(signal = 'SIGKILL') {
      child.kill(signal);
      await exited;
    },
  };
}
