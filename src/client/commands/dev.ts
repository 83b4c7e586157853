/** `runbook dev`: a Temporal dev server that remembers, and a worker, in one process. For trying things; not for production. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { CliError, usageError } from '../errors.ts';
import type { Register } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import type { Level } from '../../temporal/logger.ts';
import { addWorkerOptions, work } from './worker.ts';

const checkout = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');

interface Options {
  demo?: boolean;
  port: string;
  uiPort: string;
  metrics?: string;
  logLevel: Level;
}

export const register: Register = (program, context) => {
  const dev = program
    .command('dev')
    .description('start a Temporal dev server (its runs are kept in .cache/dev) and a worker')
    .option('--demo', 'prepare the demonstration system first, unless it is there')
    .option('--port <port>', 'of Temporal', '7233')
    .option('--ui-port <port>', "of Temporal's web UI", '8233');
  addWorkerOptions(dev).action(async (options: Options, command: Command) => {
    let systemsDirectory = context.systemsDirectory(command);
    if (!existsSync(path.join(checkout, 'tools', 'servers', 'temporal.ts'))) {
      throw usageError(
        '`runbook dev` works in a checkout of the project only.',
        'Elsewhere: temporal server start-dev',
      );
    }
    if (options.demo) systemsDirectory = await demoSystems((line) => context.note(line));
    const { startTemporalDevServer } = await import('../../../tools/servers/temporal.ts');
    const directory = path.join(checkout, '.cache', 'dev');
    const server = await startTemporalDevServer({
      directory,
      dbFile: path.join(directory, 'temporal.db'),
      port: Number(options.port),
      ui: true,
      uiPort: Number(options.uiPort),
    }).catch((error: unknown) => {
      throw new CliError(
        exitCodes.failed,
        `The dev server could not be started: ${(error as Error).message}`,
        `Is port ${options.port} or ${options.uiPort} in use? Choose others: --port, --ui-port.`,
        error,
      );
    });
    try {
      context.print(`Temporal at ${server.address}, web UI at ${server.uiUrl ?? ''}`);
      await work(context, command, options, { address: server.address, systemsDirectory });
    } finally {
      await server.stop();
    }
  });
};

async function demoSystems(say: (line: string) => void): Promise<string> {
  const systems = path.join(checkout, '.demo', 'systems');
  if (existsSync(systems)) return systems;
  const { prepareDemo } = await import('../../../demo/prepare.ts');
  return (await prepareDemo({ say })).systemsDirectory;
}
