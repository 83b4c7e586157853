/** What every subcommand is given: where to print, and the few things they share, loaded when first asked for. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import type { System } from '../inventory/schema/system.ts';
import { usageError } from './errors.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import { loadRunbooks, type Runbook } from './runbooks.ts';
import type { RunbookClient } from './runs.ts';
import { suggestion } from './suggest.ts';

const projectSystems = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../systems');

/** Options that every subcommand takes. */
export interface Settings {
  systems?: string;
  address?: string;
  namespace?: string;
  profile?: string;
  taskQueue?: string;
  as?: string;
}

export class Context {
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly env: NodeJS.ProcessEnv;
  /** What the process ends with. */
  exitCode: ExitCode = exitCodes.done;
  #runbooks: Promise<Runbook[]> | undefined;

  constructor(io: { stdout: NodeJS.WriteStream; stderr: NodeJS.WriteStream; env: NodeJS.ProcessEnv }) {
    this.stdout = io.stdout;
    this.stderr = io.stderr;
    this.env = io.env;
  }

  /** Results, to stdout. */
  print(lines: string | readonly string[]): void {
    const text = typeof lines === 'string' ? lines : lines.join('\n');
    if (text !== '') this.stdout.write(`${text}\n`);
  }

  printJson(value: unknown): void {
    this.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
  }

  /** Remarks beside the result, to stderr. */
  note(text: string): void {
    this.stderr.write(`${text}\n`);
  }

  async runbooks(): Promise<Runbook[]> {
    this.#runbooks ??= loadRunbooks();
    return await this.#runbooks;
  }

  settings(command: Command): Settings {
    return command.optsWithGlobals<Settings>();
  }

  /** --systems, RUNBOOK_SYSTEMS, ./systems, the project's own. */
  systemsDirectory(command: Command): string {
    const chosen = this.settings(command).systems ?? this.env['RUNBOOK_SYSTEMS'];
    if (chosen) return path.resolve(chosen);
    return existsSync('systems') ? path.resolve('systems') : projectSystems;
  }

  /** All usable inventories; a usage error when the one that is asked for is broken or unknown. */
  async system(command: Command, name: string): Promise<System | undefined> {
    const directory = this.systemsDirectory(command);
    if (!existsSync(directory)) {
      this.note(`There are no inventories in ${directory}: the worker will check the system's name.`);
      return undefined;
    }
    const { formatProblem, loadInventory } = await import('../inventory/index.ts');
    const { systems, problems } = await loadInventory(directory);
    const found = systems.get(name);
    if (found) return found;
    const own = problems.filter(({ file }) => path.basename(file).replace(/\.ya?ml$/, '') === name);
    if (own.length > 0)
      throw usageError(`The inventory of ${name} has problems:\n${own.map(formatProblem).join('\n')}`);
    const known = [...systems.keys()];
    const broken = problems.length > 0 ? ' Some inventories have problems: see `runbook validate`.' : '';
    throw usageError(
      `There is no system ${JSON.stringify(name.slice(0, 80))} in ${directory}.`,
      `${suggestion(name, known, 'systems')}${broken}`,
    );
  }

  /** Connects, works, and closes whatever happens. */
  async withRuns<Result>(command: Command, work: (runs: RunbookClient) => Promise<Result>): Promise<Result> {
    const { RunbookClient } = await import('./runs.ts');
    const { address, namespace, profile, taskQueue, as } = this.settings(command);
    const runs = await RunbookClient.connect(
      { address, namespace, profile },
      { taskQueue, by: as ?? this.env['RUNBOOK_AS'] },
    );
    try {
      return await work(runs);
    } finally {
      await runs.close();
    }
  }
}

/** One subcommand: adds itself to the program. */
export type Register = (program: Command, context: Context, runbooks: readonly Runbook[]) => void;
