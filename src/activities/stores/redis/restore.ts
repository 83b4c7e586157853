/**
 * Restores beside the live directory: fetches and verifies the dump, lets Redis' own checker read it, and lets a server of
 * our own load it and write what the live server starts from. The live directory is not touched.
 */
import { constants } from 'node:fs';
import { chown, copyFile, mkdir, open, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { render } from '../../../exec/index.ts';
import { keys } from '../../backups/manifest.ts';
import { failure } from '../../failures.ts';
import type { Observation } from '../../mutation.ts';
import { commandFailure } from '../../work.ts';
import type { Replacement, RestoreRequest, Work } from '../contract.ts';
import { fetchVerified } from '../fetch.ts';
import { assertSpace, spoolName } from '../scratch.ts';
import { clearTarget } from './clear.ts';
import { exists, type Mark, placesOf, readMark, syncDirectory, writeMark } from './directories.ts';
import { type Layout, layoutOf, openLive } from './live.ts';
import { checkRdb } from './rdb.ts';
import type { RespClient } from './resp.ts';
import { endLeftServers, withScratchRedis } from './scratch.ts';
import { openSource } from './source.ts';

const scratchPurpose = 'restore';

export const restoreBeside = {
  async observe(request: RestoreRequest, work: Work): Promise<Observation<Replacement>> {
    const { component } = await openSource(request, work.signal);
    const target = await targetOf(request, work);
    const mark = await readMark(target);
    if (mark?.state === 'ready' && mark.key === work.call.key && mark.backupId === request.backupId) {
      return { done: replacementOf(target, mark) };
    }
    const live = await openLive(request);
    const { dbFile, appendOnly, appendDirectory } = await layoutOf(
      live,
      (await placesOf(request, work.call.key)).live,
      work,
    );
    return {
      todo: [
        render(['redis-check-rdb', '<verified dump>']),
        render(['redis-server', '--port', '0', '--dir', target, '--dbfilename', dbFile]),
        ...(appendOnly
          ? [`redis-cli CONFIG SET appendonly yes (writes ${path.join(target, appendDirectory)})`]
          : []),
      ],
      foreseen: { name: target, backupId: request.backupId, takenAt: component.takenAt, tookMs: 0 },
    };
  },

  async act(request: RestoreRequest, work: Work): Promise<Replacement> {
    const startedAt = performance.now();
    const source = await openSource(request, work.signal);
    const live = await openLive(request);
    const places = await placesOf(request, work.call.key);
    const target = await targetOf(request, work);
    const layout = await layoutOf(live, places.live, work);
    await endLeftServers(scratchPurpose, work);
    await clearTarget(target, places, request);
    await mkdir(path.dirname(target), { recursive: true });

    const rdbBytes = Number(source.component.summary['rdbBytes'] ?? 0);
    await assertSpace(path.dirname(target), rdbBytes * (layout.appendOnly ? 2 : 1));
    const fetched = await fetchVerified({
      storage: source.storage,
      key: keys.object(request.system, request.backupId, request.store, source.data.name),
      object: source.data,
      backup: request.backup,
      spool: spoolName(request, work),
      plainBytes: rdbBytes,
      signal: work.signal,
      onProgress: (done, total) => {
        work.progress({ note: `Fetching ${request.backupId}`, done, total, unit: 'bytes' });
      },
    });
    const { version } = await checkRdb(
      fetched.file,
      `The Redis dump of backup ${request.backupId}`,
      work.signal,
    );

    const { dbFile, appendOnly, appendDirectory, appendFile } = layout;
    const facts: Omit<Mark, 'product' | 'state'> = {
      dataDirectory: places.live,
      key: work.call.key,
      backupId: request.backupId,
      takenAt: source.component.takenAt,
      files: { dbFile, appendOnly, appendDirectory, appendFile },
    };
    await mkdir(target, { mode: 0o700 });
    await writeMark(target, { ...facts, state: 'loading' });
    const file = path.join(target, dbFile);
    await copyFile(fetched.file, file, constants.COPYFILE_FICLONE);
    await load(target, layout, layout.version ?? version, work);
    await fetched.remove();

    await makeDurable(target);
    await ownLike(places.live, target);
    const tookMs = Math.round(performance.now() - startedAt);
    const mark = { ...facts, state: 'ready', tookMs } as const;
    await writeMark(target, mark);
    return replacementOf(target, mark);
  },
};

/** Where this run's replacement is, or is to be. */
export async function targetOf(request: RestoreRequest, work: Work): Promise<string> {
  const places = await placesOf(request, work.call.key);
  return request.purpose === 'drill' ? places.drill : places.restoring;
}

function replacementOf(name: string, mark: Pick<Mark, 'backupId' | 'takenAt' | 'tookMs'>): Replacement {
  return { name, backupId: mark.backupId, takenAt: mark.takenAt, tookMs: mark.tookMs ?? 0 };
}

/** Proves that Redis loads it, and writes the append-only file, without which a server that keeps one would start empty. */
async function load(directory: string, layout: Layout, liveVersion: string, work: Work): Promise<void> {
  const names = [...['appenddirname', layout.appendDirectory], ...['appendfilename', layout.appendFile]];
  const options = {
    purpose: scratchPurpose,
    dataDirectory: directory,
    dbFile: layout.dbFile,
    appendNames: names,
  };
  try {
    await withScratchRedis(options, work, async (client) => {
      if (!layout.appendOnly) return;
      await refuseOlder(client, liveVersion);
      await client.ask('CONFIG', 'SET', 'appendonly', 'yes');
      await appendFileWritten(client, work);
    });
  } catch (error) {
    throw commandFailure(error, {
      what: `A scratch Redis server could not load the verified dump into ${directory}`,
      hint: 'The live data is untouched. Read the last lines; a dump of a newer Redis needs that version on the worker.',
    });
  }
}

/** An append-only file begins with a dump in the format of the Redis that wrote it; an older one cannot read that. */
async function refuseOlder(client: RespClient, liveVersion: string): Promise<void> {
  const own = /^redis_version:(\S+)/m.exec(await client.text('INFO', 'server'))?.[1] ?? '';
  const number = (version: string) => {
    const [major = 0, minor = 0] = version.split('.').map(Number);
    return major * 1000 + minor;
  };
  if (!(number(own) > number(liveVersion))) return;
  throw failure('Unsupported', {
    what: `The worker has Redis ${own}, the live server is ${liveVersion}: it could not read the append-only file written here.`,
    hint: `Install Redis ${liveVersion.split('.').slice(0, 2).join('.')} on the worker. Nothing was changed.`,
    retryable: false,
  });
}

async function appendFileWritten(client: RespClient, work: Work): Promise<void> {
  for (;;) {
    const info = await client.text('INFO', 'persistence');
    const value = (name: string) => new RegExp(`^${name}:(\\S+)`, 'm').exec(info)?.[1];
    const isBusy = ['aof_rewrite_in_progress', 'aof_rewrite_scheduled', 'loading'].some(
      (name) => value(name) === '1',
    );
    if (!isBusy && value('aof_last_bgrewrite_status') !== 'ok') {
      throw failure('CommandFailed', {
        what: 'The scratch Redis server could not write the append-only file.',
        hint: 'See that there is space beside the data directory, and memory to fork; then try the step again.',
      });
    }
    if (!isBusy && value('aof_enabled') === '1' && value('aof_pending_rewrite') !== '1') return;
    work.progress({ note: 'writing the append-only file' });
    await sleep(50, undefined, { signal: work.signal });
  }
}

async function makeDurable(directory: string): Promise<void> {
  for (const entry of await readdir(directory, { withFileTypes: true, recursive: true })) {
    const name = path.join(entry.parentPath, entry.name);
    if (entry.isDirectory()) await syncDirectory(name);
    if (!entry.isFile()) continue;
    const handle = await open(name, 'r');
    await handle.sync().finally(async () => {
      await handle.close();
    });
  }
  await syncDirectory(directory);
}

/** The live server's account must be able to use it; without a live directory, that of the one above. */
async function ownLike(live: string, directory: string): Promise<void> {
  const model = await stat((await exists(live)) ? live : path.dirname(live)).catch(() => undefined);
  const own = await stat(directory);
  if (!model || (model.uid === own.uid && model.gid === own.gid)) return;
  try {
    for (const entry of await readdir(directory, { recursive: true })) {
      await chown(path.join(directory, entry), model.uid, model.gid);
    }
    await chown(directory, model.uid, model.gid);
  } catch (error) {
    throw failure('ConfigurationError', {
      what: `${directory} could not be given to the account that owns ${live} (uid ${model.uid}).`,
      hint: 'Run the worker as root or as that account. The live data is untouched.',
      retryable: false,
      cause: error,
    });
  }
}
