/** Reads the replacement as the live server would read it, and compares it with what was backed up. */
import { constants } from 'node:fs';
import { copyFile, link, mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { failure } from '../../failures.ts';
import { commandFailure } from '../../work.ts';
import type { Comparison, Replacement, RestoreRequest, Work } from '../contract.ts';
import { compareContents, readContents } from './contents.ts';
import { type Mark, readMark } from './directories.ts';
import { targetOf } from './restore.ts';
import { withScratchRedis } from './scratch.ts';
import { readExpected } from './source.ts';

const workDirectory = '.comparing';

/**
 * A scratch server loads copies: the replacement itself is not written to, not even for a key that expires meanwhile.
 * Needs as much memory as the data, and next to no disk.
 */
export async function compare(
  request: RestoreRequest & { replacement: Replacement },
  work: Work,
): Promise<Comparison> {
  const target = await targetOf(request, work);
  const mark = await readMark(target);
  if (
    target !== request.replacement.name ||
    mark?.state !== 'ready' ||
    mark.backupId !== request.backupId ||
    !mark.files
  ) {
    throw failure('NotReady', {
      what: `${request.replacement.name} is not a finished restore of backup ${request.backupId} by this run.`,
      hint: 'Start the restore again.',
      retryable: false,
    });
  }
  const expected = await readExpected(request, work.signal);
  const directory = path.join(target, workDirectory);
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { mode: 0o700 });
  try {
    await copyFiles(target, directory, mark.files);
    const { dbFile, appendOnly, appendDirectory, appendFile } = mark.files;
    const found = await withScratchRedis(
      {
        purpose: 'compare',
        dataDirectory: directory,
        dbFile,
        appendNames: ['appenddirname', appendDirectory, 'appendfilename', appendFile],
        loadAppendOnly: appendOnly,
      },
      work,
      async (client) => await readContents(client, expected.serverVersion, work),
    );
    return compareContents(expected, found, Date.now());
  } catch (error) {
    throw commandFailure(error, {
      what: `Redis could not load the restored data in ${target}`,
      hint: 'The live data is untouched. Start the restore again; if it fails again, use another backup.',
    });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Hard links for what no server writes to again, copies for the rest. */
async function copyFiles(from: string, to: string, files: NonNullable<Mark['files']>): Promise<void> {
  if (!files.appendOnly) {
    await link(path.join(from, files.dbFile), path.join(to, files.dbFile));
    return;
  }
  await mkdir(path.join(to, files.appendDirectory));
  for (const name of await readdir(path.join(from, files.appendDirectory))) {
    const source = path.join(from, files.appendDirectory, name);
    const copy = path.join(to, files.appendDirectory, name);
    if (name.includes('.base.')) await link(source, copy);
    else await copyFile(source, copy, constants.COPYFILE_FICLONE);
  }
}
