/** A worker that is not able to look must never be taken for a backup that is broken: its proofs would be lost for nothing. */
import { chmod, mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Client } from '@temporalio/client';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { keys } from '../../src/activities/backups/manifest.ts';
import type { BackupPlace } from '../../src/activities/contract.ts';
import { run as execute } from '../../tools/lib/run.ts';
import { type Ground, ground } from '../storage/support.ts';
import { temporaryDirectory } from '../support/servers.ts';
import {
  as,
  backupIdAt,
  daysAgo,
  type Dumps,
  openRun,
  policyOf,
  realDumps,
  type Run,
  storeComponent,
  temporalClient,
} from './support.ts';

let dumps: Dumps;
let client: Client;
let run: Run;
const searchPath = process.env['PATH'];

beforeAll(async () => {
  [dumps, client] = await Promise.all([realDumps(), temporalClient()]);
  run = await openRun(client);
});

afterEach(() => {
  process.env['PATH'] = searchPath;
});

afterAll(async () => {
  await run.end();
  await client.connection.close();
});

/** A proven backup of one encrypted dump, and the identity's file. */
async function proven(): Promise<{ there: Ground; place: BackupPlace; id: string; identity: string }> {
  const directory = await temporaryDirectory();
  const [identity, plain, locked] = ['identity', 'plain', 'locked'].map((name) =>
    path.join(directory, name),
  ) as [string, string, string];
  await execute('age-keygen', ['-o', identity]);
  const recipient = /age1[a-z0-9]{58}/.exec(await readFile(identity, 'utf8'))?.[0] ?? '';
  await writeFile(plain, dumps.postgres);
  await execute('age', ['-r', recipient, '-o', locked, plain]);
  const there = await ground('filesystem');
  const encryption = { recipients: [recipient], identity: `file:${identity}` };
  const place = { system: 'demo', backup: policyOf(there, { encryption }) };
  const id = backupIdAt(daysAgo(0));
  const dump = { name: 'dump.pgc.zst.age', bytes: await readFile(locked), encryption: 'age' as const };
  await as(run, client).writeManifest(place, id, [
    await storeComponent(there, id, 'postgres', daysAgo(0), dump),
  ]);
  expect((await as(run, client).verify(place, id)).result).toMatchObject({ ok: true });
  await as(run, client).prove(place, id);
  return { there, place, id, identity };
}

async function stateOf(place: BackupPlace): Promise<string | undefined> {
  return (await as(run, client).list(place))[0]?.state;
}

test('an identity that is not there is a matter of configuration, and the proof stays', async () => {
  const { place, id, identity } = await proven();
  const missing = { encryption: { ...place.backup.encryption, identity: `file:${identity}.gone` } };
  const elsewhere = { ...place, backup: { ...place.backup, ...missing } } as BackupPlace;
  await expect(as(run, client).verify(elsewhere, id)).rejects.toMatchObject({
    type: 'ConfigurationError',
    message: expect.stringContaining(`${identity}.gone`) as string,
  });
  expect(await stateOf(place)).toBe('proven');
});

test('an identity of somebody else is a matter of configuration, and the proof stays', async () => {
  const { place, id, identity } = await proven();
  await execute('age-keygen', ['-o', `${identity}.other`]);
  const other = { encryption: { ...place.backup.encryption, identity: `file:${identity}.other` } };
  const elsewhere = { ...place, backup: { ...place.backup, ...other } } as BackupPlace;
  await expect(as(run, client).verify(elsewhere, id)).rejects.toMatchObject({
    type: 'ConfigurationError',
    message: expect.stringContaining('identity') as string,
  });
  expect(await stateOf(place)).toBe('proven');
});

test.each([
  ['zstd', 'kill -KILL $$'],
  ['zstd', 'echo "zstd: error 11 : Allocation error : not enough memory" >&2; exit 11'],
  ['pg_restore', 'kill -KILL $$'],
])(
  '%s that ends for lack of memory (%s) says nothing of the backup, and the proof stays',
  async (name, script) => {
    const { place, id } = await proven();
    const directory = path.join(await temporaryDirectory(), 'bin');
    await mkdir(directory);
    await writeFile(path.join(directory, name), `#!/bin/sh\n${script}\n`);
    await chmod(path.join(directory, name), 0o755);
    process.env['PATH'] = `${directory}:${searchPath ?? ''}`;
    await expect(as(run, client).verify(place, id)).rejects.toMatchObject({
      type: 'CommandFailed',
      nonRetryable: false,
    });
    process.env['PATH'] = searchPath;
    expect(await stateOf(place)).toBe('proven');
  },
);

test('a key that this worker does not know makes it no backup here, and takes its proof from nobody else', async () => {
  const { place, id, there } = await proven();
  const directory = await temporaryDirectory();
  await execute('openssl', ['genpkey', '-algorithm', 'ed25519', '-out', `${directory}/private.pem`]);
  await execute('openssl', [
    'pkey',
    '-in',
    `${directory}/private.pem`,
    '-pubout',
    '-out',
    `${directory}/key.pem`,
  ]);
  const signing = { trustedKeys: [`${directory}/key.pem`] };
  const strict = { ...place, backup: { ...place.backup, signing } };
  expect((await as(run, client).verify(strict, id)).result).toMatchObject({ ok: false });
  expect(await there.storage.stat(keys.proven('demo', id))).toBeDefined();
  expect(await stateOf(place)).toBe('proven');
});

test('a proven backup whose manifest was lost is not taken for what a dead run left', async () => {
  const { there, place } = await proven();
  const id = backupIdAt(daysAgo(90));
  const component = await storeComponent(there, id, 'postgres', daysAgo(90), {
    name: 'dump.pgc.zst',
    bytes: dumps.postgres,
  });
  await as(run, client).writeManifest(place, id, [component], daysAgo(90));
  await as(run, client).verify(place, id);
  await as(run, client).prove(place, id);
  await there.storage.remove(keys.manifest('demo', id));
  const top = path.dirname(there.fileOf(keys.manifest('demo', id)));
  for (const entry of await readdir(top, { recursive: true }))
    await utimes(path.join(top, entry), daysAgo(80), daysAgo(80));
  const { result } = await as(run, client).retain(place);
  expect(result.removed).toEqual([]);
  expect(await there.storage.stat(keys.object('demo', id, 'main', 'dump.pgc.zst'))).toBeDefined();
});
