/**
 * Backing a database up to an S3 server, against a shell pipeline that does the same, and against `pg_dump -Fc`.
 *
 * Our side is the real runbook in the real worker. Timed are its steps "Dump main" and "Write the manifest", with all that
 * is in them: counting and hashing every row in the dump's snapshot, SHA-256, roles, manifest. Reading every byte back, which
 * the scripts do not, is reported by itself.
 */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { inTurns, median, raw, speedRatio, timed } from '../support/measure.ts';
import type { Measured } from '../support/result.ts';
import { libpq, rclone, script } from '../support/scripts.ts';
import { databaseShop, startDatabase } from '../support/shop.ts';
import { secondsOf } from '../support/stage.ts';
import type { Setting } from '../support/setting.ts';

export const ids = ['backup-vs-script', 'backup-vs-pg_dump-Fc', 'backup-verify-seconds'];
const turns = 3;

export async function measure({ stage, options }: Setting): Promise<Measured[]> {
  const demo = await databaseShop(stage, 'backup', options.bytes);
  const worker = await stage.worker(demo);
  const databaseBytes = await startDatabase(stage, demo);
  const database = await libpq(demo);
  const file = path.join(stage.directory, 'custom.pgdump');
  const verified: number[] = [];
  const stored = { bytes: 0 };
  const seconds = await inTurns(turns, {
    async runbook() {
      let dumped = NaN;
      await timed(async () => {
        const report = await stage.run<{ bytes: number }>('full-backup', demo);
        dumped = secondsOf(report, ['Dump main', 'Write the manifest']);
        verified.push(secondsOf(report, ['Read every byte back']));
        stored.bytes = report.output.bytes;
      });
      return dumped;
    },
    script: async () =>
      await timed(async () => {
        await script('backup.sh', [`${stage.bucket}/script.pgdump.zst`], {
          ...database,
          ...rclone(stage.s3),
        });
      }),
    custom: async () => {
      await rm(file, { force: true });
      return await timed(async () => {
        await script('pg-dump-custom.sh', [file], database);
      });
    },
  });
  await rm(file, { force: true });
  await worker.stop();
  await demo.stopAll();
  const common = { databaseBytes, storedBytes: stored.bytes, runbookSeconds: raw(seconds.runbook) };
  return [
    {
      id: 'backup-vs-script',
      value: speedRatio(seconds.runbook, seconds.script),
      unit: 'times as fast',
      target: { sense: '>=', value: 0.95 },
      detail: {
        ...common,
        scriptSeconds: raw(seconds.script),
        runbook:
          'steps "Dump main" and "Write the manifest" of full-backup: also counts and hashes every row and takes the SHA-256, which the script does not; without reading back',
        script: 'pg_dump -Fc -Z0 | zstd -3 -T2 | rclone rcat (8 MiB parts, 4 at once)',
      },
    },
    {
      id: 'backup-vs-pg_dump-Fc',
      value: speedRatio(seconds.runbook, seconds.custom),
      unit: 'times as fast',
      target: { sense: '>=', value: 2 },
      detail: { ...common, pgDumpSeconds: raw(seconds.custom), script: 'pg_dump -Fc to a local file' },
    },
    {
      id: 'backup-verify-seconds',
      value: median(verified),
      unit: 's',
      target: null,
      detail: { ...common, verifySeconds: raw(verified), what: 'step "Read every byte back" of full-backup' },
    },
  ];
}
