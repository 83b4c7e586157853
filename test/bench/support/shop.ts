/** A shop for the benchmarks of backup and restore: only its PostgreSQL is backed up, to the S3 server. */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { run } from '../../../tools/lib/run.ts';
import type { PreparedDemo } from '../../../demo/prepare.ts';
import type { Stage } from './stage.ts';
import { libpq } from './scripts.ts';

export async function databaseShop(stage: Stage, name: string, bytes: number): Promise<PreparedDemo> {
  return await stage.prepare(name, bytes, (inventory) => {
    inventory.setIn(['backup', 'components'], inventory.createNode(['main']));
    // One is enough to restore from; twenty would fill the disk.
    inventory.setIn(['backup', 'retention'], inventory.createNode({ keepLast: 1, keepFor: '1s' }));
  });
}

/** PostgreSQL alone, started by the runbook; then every row is read once, so that no side is the one that warms it up. */
export async function startDatabase(stage: Stage, demo: PreparedDemo): Promise<number> {
  await stage.run('start-system', demo, { only: ['postgres'] });
  const [row] = await demo.psql("select pg_database_size('shop') as bytes");
  const file = path.join(stage.directory, 'warm.pgdump');
  await run('pg_dump', ['--format=custom', '--compress=0', `--file=${file}`], { env: await libpq(demo) });
  await rm(file);
  return Number(row?.['bytes']);
}
