/**
 * Restoring beside the live database, against `pg_restore -j2` alone. Our side is the step "Restore main beside the live
 * data" of a restore drill: it also fetches the backup from the S3 server, verifies and unpacks it, and gathers statistics.
 * The script has its file ready and unpacked on the local disk.
 */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { run } from '../../../tools/lib/run.ts';
import { inTurns, raw, speedRatio, timed } from '../support/measure.ts';
import type { Measured } from '../support/result.ts';
import { libpq, script } from '../support/scripts.ts';
import type { Setting } from '../support/setting.ts';
import { databaseShop, startDatabase } from '../support/shop.ts';
import { secondsOf } from '../support/stage.ts';

export const ids = ['restore-vs-pg_restore'];
const turns = 3;

export async function measure({ stage, options }: Setting): Promise<Measured[]> {
  const demo = await databaseShop(stage, 'restore', options.bytes);
  const worker = await stage.worker(demo);
  const databaseBytes = await startDatabase(stage, demo);
  await stage.run('full-backup', demo);
  const env = await libpq(demo);
  const file = path.join(stage.directory, 'plain.pgdump');
  await run('pg_dump', ['--format=custom', '--compress=0', `--file=${file}`], { env });
  const seconds = await inTurns(turns, {
    async runbook() {
      let restored = NaN;
      await demo.psql('checkpoint');
      await timed(async () => {
        const report = await stage.run('restore-drill', demo);
        restored = secondsOf(report, ['Restore main beside the live data']);
      });
      return restored;
    },
    async script(turn) {
      const database = `script_${turn}`;
      await demo.psql('checkpoint');
      const took = await timed(async () => {
        await script('restore.sh', [database, file], env);
      });
      await demo.psql(`drop database ${database}`);
      return took;
    },
  });
  await rm(file);
  await worker.stop();
  await demo.stopAll();
  return [
    {
      id: 'restore-vs-pg_restore',
      value: speedRatio(seconds.runbook, seconds.script),
      unit: 'times as fast',
      target: { sense: '>=', value: 0.9 },
      detail: {
        databaseBytes,
        runbookSeconds: raw(seconds.runbook),
        scriptSeconds: raw(seconds.script),
        runbook:
          'step "Restore main beside the live data": fetches from S3, verifies, unpacks, loads with 2 jobs, gathers statistics',
        script: 'createdb, pg_restore -j2 from a local, uncompressed file; no statistics',
      },
    },
  ];
}
