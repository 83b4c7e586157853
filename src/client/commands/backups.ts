/** `runbook backups`: the backups of a system and what each is worth. Looked at by a worker, which can reach the storage. */
import type { Command } from 'commander';
import type { BackupSummary } from '../../activities/contract.ts';
import { awaitResult } from '../await-result.ts';
import type { Register } from '../context.ts';
import { findRunbook } from '../runbooks.ts';
import { bytes, oneLine, table } from '../text.ts';

export const register: Register = (program, context) => {
  program
    .command('backups')
    .description('the backups of a system: age, size, verified or proven')
    .requiredOption('--system <name>', 'the system')
    .option('--json', 'as JSON')
    .action(async (options: { system: string; json?: boolean }, command: Command) => {
      const runbook = findRunbook(await context.runbooks(), 'list-backups');
      await context.system(command, options.system);
      await context.withRuns(command, async (runs) => {
        const { id } = await runs.startRun(runbook, { system: options.system });
        const report = await awaitResult<{ backups: BackupSummary[] }>(runs, id);
        const { backups } = report.output;
        if (options.json) return context.printJson(backups);
        if (backups.length === 0)
          return context.print(
            `${options.system} has no backups. Take one: runbook run full-backup --system ${options.system}`,
          );
        const rows = backups.map((backup) => [
          backup.id,
          backup.kind,
          backup.takenAt,
          bytes(backup.bytes),
          backup.components.join(','),
          backup.state + (backup.signed ? '' : ', unsigned'),
          oneLine(backup.why ?? ''),
        ]);
        context.print(table([['BACKUP', 'KIND', 'TAKEN', 'SIZE', 'COMPONENTS', 'STATE', ''], ...rows]));
      });
    });
};
