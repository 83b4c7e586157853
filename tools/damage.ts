/**
 * Real damage to a real PostgreSQL cluster, as a failing disk or a lost write does it: bytes are changed in the files
 * of a stopped server. The cluster needs page checksums (`initdb -k`).
 */
import { copyFile, open, rm } from 'node:fs/promises';
import path from 'node:path';

/** The part of a PostgreSQL server that is needed to damage it; `PostgresServer` has it. */
export interface DamageableServer {
  readonly dataDirectory: string;
  stop(): Promise<void>;
  start(): Promise<void>;
  psql(sql: string, database?: string): Promise<Record<string, string | null>[]>;
}

export interface Damage {
  /** The file that was changed. */
  readonly file: string;
  /** The blocks (pages of 8 KiB, counted from 0) that were overwritten. */
  readonly blocks: readonly number[];
}

/** PostgreSQL's default BLCKSZ. */
const BLOCK_SIZE = 8192;

/** Where in a block the bytes go: among its rows, away from the header. */
const OFFSET_IN_BLOCK = 4000;

const GARBAGE = Buffer.from('not what was saved'.slice(0, 16), 'latin1');

/**
 * Overwrites 16 bytes of a page of a table. Reads of the table then fail with "invalid page in block N", and so do
 * pg_dump and REINDEX; `count(*)` may still succeed over an index.
 */
export async function damageHeapPage(
  server: DamageableServer,
  target: { readonly database: string; readonly table: string; readonly block?: number },
): Promise<Damage> {
  return await overwrite(server, target.database, target.table, [target.block ?? 5]);
}

/**
 * Overwrites 16 bytes in pages of an index: the table is whole and pg_dump succeeds, reads through the index fail
 * with "invalid page in block N", and REINDEX cures it.
 */
export async function damageIndexPage(
  server: DamageableServer,
  target: { readonly database: string; readonly index: string; readonly blocks?: readonly number[] },
): Promise<Damage> {
  return await overwrite(server, target.database, target.index, target.blocks ?? [3, 4, 5, 6, 7, 8]);
}

/**
 * Loses the writes of `change` to an index, as a disk does that reports a write as done and drops it: the table has
 * the change, the index has not, and every page is valid. Only `bt_index_check(index, true)` of amcheck sees it
 * ("lacks matching index tuple"); REINDEX cures it. `change` must insert rows, or update an indexed column.
 */
export async function silentIndexDamage(
  server: DamageableServer,
  target: { readonly database: string; readonly index: string; readonly change: string },
): Promise<Damage> {
  const file = await relationFile(server, target.database, target.index);
  const before = path.join(path.dirname(server.dataDirectory), `${path.basename(file)}.before`);
  await server.psql('checkpoint');
  await server.stop();
  try {
    await copyFile(file, before);
    await server.start();
    await server.psql(target.change, target.database);
    await server.psql('checkpoint');
    await server.stop();
    // Written into the file that is there, which keeps its owner.
    await copyFile(before, file);
  } finally {
    await rm(before, { force: true });
    await server.start();
  }
  return { file, blocks: [] };
}

async function overwrite(
  server: DamageableServer,
  database: string,
  relation: string,
  blocks: readonly number[],
): Promise<Damage> {
  const file = await relationFile(server, database, relation);
  await server.psql('checkpoint');
  await server.stop();
  try {
    const handle = await open(file, 'r+');
    try {
      const { size } = await handle.stat();
      const last = size / BLOCK_SIZE - 1;
      const missing = blocks.filter((block) => block > last);
      if (missing.length > 0) {
        throw new Error(
          `${relation} ends at block ${last}: there is no block ${missing.join(', ')} to damage`,
        );
      }
      for (const block of blocks) {
        await handle.write(GARBAGE, 0, GARBAGE.length, block * BLOCK_SIZE + OFFSET_IN_BLOCK);
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
  } finally {
    await server.start();
  }
  return { file, blocks };
}

async function relationFile(server: DamageableServer, database: string, relation: string): Promise<string> {
  const name = relation.replaceAll("'", "''");
  const [row] = await server.psql(`select pg_relation_filepath('${name}') as path`, database);
  const relative = row?.['path'];
  if (relative === undefined || relative === null) throw new Error(`${relation} has no file in ${database}`);
  return path.join(server.dataDirectory, relative);
}
