/** From stored objects to a backup that counts, and every way in which one must not count. */
import { generateKeyPairSync } from 'node:crypto';
import { readFile, rm, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Client } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { keys } from '../../src/activities/backups/manifest.ts';
import type { BackupPlace } from '../../src/activities/contract.ts';
import { chunked, type Ground, ground, kinds, never } from '../storage/support.ts';
import { temporaryDirectory } from '../support/servers.ts';
import { run as execute } from '../../tools/lib/run.ts';
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

beforeAll(async () => {
  [dumps, client] = await Promise.all([realDumps(), temporalClient()]);
  run = await openRun(client);
});

afterAll(async () => {
  await run.end();
  await client.connection.close();
});

interface Made {
  there: Ground;
  place: BackupPlace;
  id: string;
  /** The file that holds an object of the backup. */
  file: (name: string) => string;
}

/** A backup with both components and a manifest. */
async function made(kind: (typeof kinds)[number], policy: Record<string, unknown> = {}): Promise<Made> {
  const there = await ground(kind);
  const place = { system: 'demo', backup: policyOf(there, policy) };
  const id = backupIdAt(daysAgo(0));
  const components = [
    await storeComponent(there, id, 'postgres', daysAgo(0), { name: 'dump.pgc.zst', bytes: dumps.postgres }),
    await storeComponent(there, id, 'redis', daysAgo(0), { name: 'dump.rdb.zst', bytes: dumps.redis }),
  ];
  await as(run, client).writeManifest(place, id, components);
  return { there, place, id, file: (name) => there.fileOf(`${keys.backup('demo', id)}${name}`) };
}

async function signingKeys(): Promise<{ privateKey: string; publicKey: string; directory: string }> {
  const directory = await temporaryDirectory();
  const pair = generateKeyPairSync('ed25519');
  const privateKey = path.join(directory, 'private.pem');
  const publicKey = path.join(directory, 'public.pem');
  await writeFile(privateKey, pair.privateKey.export({ type: 'pkcs8', format: 'pem' }));
  await writeFile(publicKey, pair.publicKey.export({ type: 'spki', format: 'pem' }));
  return { privateKey, publicKey, directory };
}

/** Changes one bit in the middle of the file. */
async function flipBit(file: string): Promise<void> {
  const bytes = await readFile(file);
  const middle = Math.floor(bytes.length / 2);
  bytes[middle] = (bytes[middle] ?? 0) ^ 1;
  await writeFile(file, bytes);
}

async function stateOf({ place, id }: Made) {
  const found = (await as(run, client).list(place)).find((backup) => backup.id === id);
  return found?.state;
}

describe.each(kinds)('a backup on %s', (kind) => {
  test('is unverified, then verified, then proven; and each step finds its own work done', async () => {
    const backup = await made(kind);
    expect(await stateOf(backup)).toBe('unverified');
    const step = as(run, client, 'verify');
    const first = await step.verify(backup.place, backup.id);
    expect(first).toMatchObject({
      performed: true,
      result: { ok: true, objects: 4, problems: [], notes: [] },
    });
    expect(first.result.bytes).toBeGreaterThan(dumps.postgres.length + dumps.redis.length);
    expect(await step.verify(backup.place, backup.id)).toEqual({
      result: first.result,
      performed: false,
      commands: [],
    });
    expect(await as(run, client, 'another').verify(backup.place, backup.id)).toMatchObject({
      performed: true,
    });
    expect(await stateOf(backup)).toBe('verified');
    expect(await as(run, client).prove(backup.place, backup.id)).toMatchObject({ performed: true });
    const [summary] = await as(run, client).list(backup.place);
    expect(summary).toMatchObject({
      id: backup.id,
      kind: 'manual',
      state: 'proven',
      components: ['main', 'cache'],
      signed: false,
    });
  });

  const damages: [string, (backup: Made) => Promise<unknown>, RegExp][] = [
    [
      'a flipped bit in the database dump',
      ({ file }) => flipBit(file('main/dump.pgc.zst')),
      /main\/dump\.pgc\.zst has changed bytes/,
    ],
    [
      'a flipped bit in the cache dump',
      ({ file }) => flipBit(file('cache/dump.rdb.zst')),
      /cache\/dump\.rdb\.zst has changed bytes/,
    ],
    [
      'a flipped bit in the contents',
      ({ file }) => flipBit(file('main/contents.json')),
      /main\/contents\.json has changed bytes/,
    ],
    [
      'a cut object',
      ({ file }) => truncate(file('main/dump.pgc.zst'), 1234),
      /main\/dump\.pgc\.zst is cut: 1,234 of [\d,]+ bytes/,
    ],
    [
      'a missing object',
      ({ there, id }) => there.storage.remove(keys.object('demo', id, 'cache', 'dump.rdb.zst')),
      /cache\/dump\.rdb\.zst is missing/,
    ],
    [
      'a manifest that is no JSON',
      ({ file }) => truncate(file('manifest.json'), 100),
      /manifest\.json is not JSON/,
    ],
    [
      'a missing manifest',
      ({ there, id }) => there.storage.remove(keys.manifest('demo', id)),
      /manifest\.json is missing/,
    ],
  ];

  test.each(damages)('no longer counts with %s', async (_name, damage, problem) => {
    const backup = await made(kind);
    await as(run, client).verify(backup.place, backup.id);
    await as(run, client).prove(backup.place, backup.id);
    await damage(backup);
    const { result } = await as(run, client).verify(backup.place, backup.id);
    expect(result.ok).toBe(false);
    expect(result.problems).toEqual([expect.stringMatching(problem)]);
    expect(result.problems[0]).toContain(
      backup.there.storage.locate(keys.backup('demo', backup.id) + 'x').slice(0, -1),
    );
    expect(await stateOf(backup)).toMatch(/^un(?:verified|readable)$/);
    if ((await stateOf(backup)) === 'unverified') {
      expect(await backup.there.storage.stat(keys.verified('demo', backup.id))).toBeUndefined();
      expect(await backup.there.storage.stat(keys.proven('demo', backup.id))).toBeUndefined();
    }
    await expect(as(run, client).choose(backup.place, null)).rejects.toMatchObject({
      type: 'NoUsableBackup',
    });
  });

  test('no longer counts once its manifest was edited, even before anybody verifies it again', async () => {
    const backup = await made(kind);
    await as(run, client).verify(backup.place, backup.id);
    await as(run, client).prove(backup.place, backup.id);
    const text = await readFile(backup.file('manifest.json'), 'utf8');
    await writeFile(backup.file('manifest.json'), text.replace('"tables": 1', '"tables": 2'));
    expect(await stateOf(backup)).toBe('unverified');
  });

  test.each(['../../etc/passwd', '/etc/passwd', 'a/b', '..'])(
    'with the object name %j in its manifest is refused',
    async (name) => {
      const backup = await made(kind);
      const text = await readFile(backup.file('manifest.json'), 'utf8');
      await writeFile(backup.file('manifest.json'), text.replace('dump.pgc.zst', name));
      const { result } = await as(run, client).verify(backup.place, backup.id);
      expect(result).toMatchObject({
        ok: false,
        objects: 0,
        problems: [expect.stringContaining('is not a manifest')],
      });
      expect(await stateOf(backup)).toBe('unreadable');
    },
  );

  test('that speaks of another backup or system is refused', async () => {
    const backup = await made(kind);
    const text = await readFile(backup.file('manifest.json'), 'utf8');
    const other = backupIdAt(daysAgo(1));
    await writeFile(backup.file('manifest.json'), text.replace(backup.id, other));
    expect((await as(run, client).verify(backup.place, backup.id)).result.problems[0]).toContain(
      `speaks of backup ${other}`,
    );
    await writeFile(backup.file('manifest.json'), text.replace('"system": "demo"', '"system": "shop"'));
    expect((await as(run, client).verify(backup.place, backup.id)).result.problems[0]).toContain(
      'speaks of system shop',
    );
  });

  test('gets no manifest while an object is missing or has another size', async () => {
    const there = await ground(kind);
    const place = { system: 'demo', backup: policyOf(there) };
    const id = backupIdAt(daysAgo(0));
    const component = await storeComponent(there, id, 'postgres', daysAgo(0), {
      name: 'dump.pgc.zst',
      bytes: dumps.postgres,
    });
    await truncate(there.fileOf(keys.object('demo', id, 'main', 'dump.pgc.zst')), 10);
    const writing = as(run, client).writeManifest(place, id, [component]);
    await expect(writing).rejects.toMatchObject({
      type: 'BackupDamaged',
      message: expect.stringContaining('has 10 bytes') as string,
    });
    await there.storage.remove(keys.object('demo', id, 'main', 'dump.pgc.zst'));
    await expect(as(run, client).writeManifest(place, id, [component])).rejects.toThrow(
      'dump.pgc.zst is missing',
    );
    expect(await there.storage.stat(keys.manifest('demo', id))).toBeUndefined();
  });
});

test('a manifest is written once: the same run finds it, another is refused', async () => {
  const { place, there, id } = await made('filesystem');
  const manifest = JSON.parse(await readFile(there.fileOf(keys.manifest('demo', id)), 'utf8')) as {
    components: never[];
    tools: object;
  };
  expect(manifest.tools).toMatchObject({
    pg_dump: expect.stringMatching(/^pg_dump \(PostgreSQL\)/) as string,
  });
  expect(manifest.tools).toMatchObject({ zstd: expect.stringContaining('v1.') as string });
  expect(await as(run, client).writeManifest(place, id, manifest.components)).toMatchObject({
    performed: false,
  });
  const other = { workflowId: 'another', runId: '11111111-2222-3333-4444-555555555555' };
  const writing = as(other, client).writeManifest(place, id, manifest.components);
  await expect(writing).rejects.toMatchObject({ type: 'ObjectExists' });
});

describe('a signed backup', () => {
  test('is believed with a trusted signature, and OpenSSL agrees', async () => {
    const { privateKey, publicKey, directory } = await signingKeys();
    const backup = await made('filesystem', {
      signing: { privateKey: `file:${privateKey}`, trustedKeys: [publicKey] },
    });
    expect((await as(run, client).verify(backup.place, backup.id)).result).toMatchObject({
      ok: true,
      problems: [],
    });
    expect(await as(run, client).list(backup.place)).toMatchObject([{ signed: true, state: 'verified' }]);
    const signature = path.join(directory, 'signature');
    await writeFile(
      signature,
      Buffer.from(await readFile(backup.file('manifest.json.sig'), 'utf8'), 'base64'),
    );
    const words = [
      '-verify',
      '-rawin',
      '-pubin',
      '-inkey',
      publicKey,
      '-in',
      backup.file('manifest.json'),
      '-sigfile',
      signature,
    ];
    expect((await execute('openssl', ['pkeyutl', ...words])).stdout).toContain(
      'Signature Verified Successfully',
    );
  });

  const tampering: [string, (backup: Made) => Promise<unknown>, string][] = [
    [
      'its manifest was edited',
      async ({ file }) => {
        const text = await readFile(file('manifest.json'), 'utf8');
        await writeFile(file('manifest.json'), text.replace('"tables": 1', '"tables": 2'));
      },
      'does not match its signature',
    ],
    [
      'its signature was edited',
      async ({ file }) => {
        const text = await readFile(file('manifest.json.sig'), 'utf8');
        await writeFile(file('manifest.json.sig'), (text.startsWith('A') ? 'B' : 'A') + text.slice(1));
      },
      'does not match its signature',
    ],
    ['its signature is missing', ({ file }) => rm(file('manifest.json.sig')), 'is not signed'],
  ];

  test.each(tampering)('is not believed when %s', async (_name, tamper, why) => {
    const { privateKey, publicKey } = await signingKeys();
    const backup = await made('filesystem', {
      signing: { privateKey: `file:${privateKey}`, trustedKeys: [publicKey] },
    });
    await as(run, client).verify(backup.place, backup.id);
    await as(run, client).prove(backup.place, backup.id);
    await tamper(backup);
    expect(await as(run, client).list(backup.place)).toMatchObject([
      { state: 'unreadable', why: expect.stringContaining(why) as string },
    ]);
    await expect(as(run, client).choose(backup.place, backup.id)).rejects.toThrow(why);
    expect((await as(run, client).verify(backup.place, backup.id)).result.problems).toEqual([
      expect.stringContaining(why),
    ]);
  });

  test('is not believed when another key signed it, nor when none did', async () => {
    const [ours, theirs] = [await signingKeys(), await signingKeys()];
    const backup = await made('filesystem', {
      signing: { privateKey: `file:${theirs.privateKey}`, trustedKeys: [theirs.publicKey] },
    });
    const suspicious = {
      ...backup.place,
      backup: policyOf(backup.there, { signing: { trustedKeys: [ours.publicKey] } }),
    };
    expect(await as(run, client).list(suspicious)).toMatchObject([{ state: 'unreadable', signed: false }]);
    const unsigned = await made('filesystem');
    const strict = {
      ...unsigned.place,
      backup: policyOf(unsigned.there, { signing: { trustedKeys: [ours.publicKey] } }),
    };
    await expect(as(run, client).choose(strict, unsigned.id)).rejects.toThrow('is not signed');
  });
});

describe('what is inside', () => {
  async function verified(
    type: 'postgres' | 'redis',
    dump: Parameters<typeof storeComponent>[4],
    policy = {},
  ) {
    const there = await ground('filesystem');
    const place = { system: 'demo', backup: policyOf(there, policy) };
    const id = backupIdAt(daysAgo(0));
    await as(run, client).writeManifest(place, id, [await storeComponent(there, id, type, daysAgo(0), dump)]);
    return (await as(run, client).verify(place, id)).result;
  }

  test('a dump that was stored broken is found, though its hash is right', async () => {
    const cut = dumps.postgres.subarray(0, dumps.postgres.length - 100);
    const found = await verified('postgres', { name: 'dump.pgc.zst', bytes: cut });
    expect(found.problems).toEqual([
      expect.stringMatching(/dump\.pgc\.zst does not open: .*zstd|premature|unexpected|Read error/i),
    ]);
  });

  test('a table of contents that pg_restore cannot read is found', async () => {
    const found = await verified('postgres', {
      name: 'dump.pgc',
      bytes: Buffer.from('PGDMP and then nonsense'),
      compression: 'none',
    });
    expect(found.problems).toEqual([
      expect.stringMatching(/does not open: pg_restore --list cannot read it/),
    ]);
  });

  test('a component without a dump of its type is found', async () => {
    const found = await verified('postgres', { name: 'dump.pgc.zst', bytes: dumps.redis });
    expect(found.problems).toEqual([expect.stringContaining('main holds no postgres dump')]);
  });

  test('a Redis dump with a wrong checksum, or cut, is found', async () => {
    const flipped = Buffer.from(dumps.rdb);
    flipped[100] = (flipped[100] ?? 0) ^ 1;
    const wrong = await verified('redis', { name: 'dump.rdb', bytes: flipped, compression: 'none' });
    expect(wrong.problems).toEqual([expect.stringContaining("Redis' checksum at its end does not match")]);
    const cut = await verified('redis', {
      name: 'dump.rdb',
      bytes: dumps.rdb.subarray(0, 5000),
      compression: 'none',
    });
    expect(cut.problems).toEqual([expect.stringMatching(/ends in the middle|does not match/)]);
    const whole = await verified('redis', { name: 'dump.rdb', bytes: dumps.rdb, compression: 'none' });
    expect(whole).toMatchObject({ ok: true, problems: [], notes: [] });
  });

  test('an encrypted dump is opened with the identity; without one only its hash is checked, and that is said', async () => {
    const directory = await temporaryDirectory();
    const identity = path.join(directory, 'identity');
    await execute('age-keygen', ['-o', identity]);
    const recipient = /age1[a-z0-9]{58}/.exec(await readFile(identity, 'utf8'))?.[0] ?? '';
    const plain = path.join(directory, 'plain');
    const locked = path.join(directory, 'locked');
    const seal = async (bytes: Buffer) => {
      await writeFile(plain, bytes);
      await execute('age', ['-r', recipient, '-o', locked, plain]);
      return { name: 'dump.pgc.zst.age', bytes: await readFile(locked), encryption: 'age' as const };
    };
    const open = { encryption: { recipients: [recipient], identity: `file:${identity}` } };
    expect(await verified('postgres', await seal(dumps.postgres), open)).toMatchObject({
      ok: true,
      problems: [],
      notes: [],
    });
    const broken = await verified('postgres', await seal(Buffer.from('not zstd')), open);
    expect(broken.problems).toEqual([expect.stringContaining('does not open')]);
    const shut = await verified('postgres', await seal(dumps.postgres), {
      encryption: { recipients: [recipient] },
    });
    expect(shut).toMatchObject({ ok: true, notes: [expect.stringContaining('no identity is configured')] });
    process.env['TEST_AGE_IDENTITY'] = await readFile(identity, 'utf8');
    const fromEnvironment = { encryption: { recipients: [recipient], identity: 'env:TEST_AGE_IDENTITY' } };
    expect(await verified('postgres', await seal(dumps.postgres), fromEnvironment)).toMatchObject({
      ok: true,
      notes: [],
    });
  });

  test('a storage that fails says nothing of the backup: the step fails, and what was recorded stays', async () => {
    const backup = await made('s3');
    await as(run, client).verify(backup.place, backup.id);
    const { destination } = backup.place.backup;
    if (destination.type !== 's3') throw new Error('this is about S3');
    const unreachable = {
      ...backup.place,
      backup: { ...backup.place.backup, destination: { ...destination, endpoint: 'http://127.0.0.1:9' } },
    };
    await expect(as(run, client).verify(unreachable, backup.id)).rejects.toMatchObject({
      type: 'StorageFailed',
      nonRetryable: false,
    });
    expect(await backup.there.storage.stat(keys.verified('demo', backup.id))).toBeDefined();
    await backup.there.storage.write('demo/logs/x.zst', chunked(Buffer.from('x')), { signal: never });
    expect(await as(run, client).list(backup.place)).toHaveLength(1);
  });
});
