/** `runbook worker`: runs a worker until it is told to stop. */
import { type Command, Option } from 'commander';
import { usageError } from '../errors.ts';
import type { Context, Register } from '../context.ts';
import { type Level, levels } from '../../temporal/logger.ts';

interface Options {
  metrics?: string;
  logLevel: Level;
}

export const register: Register = (program, context) => {
  addWorkerOptions(
    program.command('worker').description('run a worker; SIGTERM or Ctrl-C stops it in order'),
  ).action(async (options: Options, command: Command) => {
    await work(context, command, options);
  });
};

export function addWorkerOptions(command: Command): Command {
  return command
    .option('--metrics <host:port>', 'serve Prometheus metrics, such as 127.0.0.1:9464 (default: off)')
    .addOption(new Option('--log-level <level>', 'of the log on stderr').choices(levels).default('warn'));
}

/** `overrides` are for `dev`, which knows where its own server is. */
export async function work(
  context: Context,
  command: Command,
  options: Options,
  overrides: { address?: string; systemsDirectory?: string } = {},
): Promise<void> {
  const { metrics, logLevel } = options;
  if (metrics !== undefined && !/^[^\s:]+:\d{1,5}$/.test(metrics)) {
    throw usageError(`--metrics ${metrics} is not host:port, such as 127.0.0.1:9464.`);
  }
  const { runWorker } = await import('../../worker.ts');
  const { address, namespace, profile, taskQueue } = context.settings(command);
  await runWorker({
    address: overrides.address ?? address,
    namespace,
    profile,
    systemsDirectory: overrides.systemsDirectory ?? context.systemsDirectory(command),
    logLevel,
    say: (line) => context.print(line),
    ...(taskQueue === undefined ? {} : { taskQueue }),
    ...(metrics === undefined ? {} : { metrics }),
  });
}
