/** What only goes wrong between a client and a server. */
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { HeadObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openStorage } from '../../src/activities/storage/index.ts';
import { partBytes, partLimit, partsInFlight } from '../../src/activities/storage/s3-parts.ts';
import { sharedServers } from '../support/servers.ts';
import { type FaultyProxy, startFaultyProxy } from './faulty-proxy.ts';
import { chunked, client, everything, ground, keysUnder, never, s3Destination, sha256 } from './support.ts';

const mebibyte = 1024 * 1024;
const sizes = { small: 1000, large: 20 * mebibyte };

let proxy: FaultyProxy;

beforeAll(async () => {
  proxy = await startFaultyProxy(sharedServers().s3.endpoint);
});

afterAll(async () => {
  await proxy.stop();
});

beforeEach(() => {
  proxy.seen.length = 0;
  proxy.fault = () => undefined;
});

/** The fault for the first `times` requests that match. */
function fail(times: number, pattern: RegExp, fault: ReturnType<FaultyProxy['fault']>): void {
  let left = times;
  proxy.fault = (asked) => (pattern.test(asked) && (left -= 1) >= 0 ? fault : undefined);
}

const last = { small: /^PUT .*x-id=PutObject/, large: /^POST .*\?uploadId=/ };
const data = { small: last.small, large: /^PUT .*partNumber=/ };

describe.each(['small', 'large'] as const)('a %s object', (size) => {
  test('is stored once although the answer to its last request was lost', async () => {
    const { storage } = await ground('s3', proxy.endpoint);
    const bytes = randomBytes(sizes[size]);
    fail(1, last[size], 'lose-answer');
    const written = await storage.write('data', chunked(bytes), { signal: never });
    expect(written).toEqual({ bytes: bytes.length, sha256: sha256(bytes) });
    expect(proxy.seen.filter((asked) => last[size].test(asked)).length).toBeGreaterThan(1);
    expect(sha256(await everything(await storage.read('data', { signal: never })))).toBe(sha256(bytes));
  });

  test("is not taken for another writer's object that appeared meanwhile", async () => {
    const { storage } = await ground('s3', proxy.endpoint);
    const bytes = randomBytes(sizes[size]);
    const other = Buffer.alloc(bytes.length);
    const commit = async () => {
      await storage.write('data', chunked(other), { signal: never });
    };
    const writing = storage.write('data', chunked(bytes), { signal: never, commit });
    await expect(writing).rejects.toMatchObject({ type: 'ObjectExists' });
    expect((await everything(await storage.read('data', { signal: never }))).equals(other)).toBe(true);
    expect(await storage.abandonUploads('')).toBe(0);
  });

  test.each([
    { status: 503, code: 'SlowDown' },
    { status: 500, code: 'InternalError' },
  ])('gets through a server that answers $code twice', async (fault) => {
    const { storage } = await ground('s3', proxy.endpoint);
    const bytes = randomBytes(sizes[size]);
    fail(2, data[size], fault);
    await storage.write('data', chunked(bytes), { signal: never });
    expect(sha256(await everything(await storage.read('data', { signal: never })))).toBe(sha256(bytes));
  });

  test('that cannot be stored says where, why and what to do, and leaves nothing', async () => {
    const { storage, destination } = await ground('s3', proxy.endpoint);
    fail(Infinity, data[size], { status: 503, code: 'SlowDown' });
    const writing = storage.write('demo/data', chunked(randomBytes(sizes[size])), { signal: never });
    const bucket = destination.type === 's3' ? destination.bucket : '';
    await expect(writing).rejects.toMatchObject({
      type: 'StorageFailed',
      nonRetryable: false,
      message: expect.stringContaining(
        `Could not write s3://${bucket}/backups/of-tests/demo/data (bucket ${bucket} at ${proxy.endpoint}): SlowDown`,
      ) as string,
      details: [{ bucket, code: 'SlowDown', endpoint: proxy.endpoint }],
    });
    proxy.fault = () => undefined;
    expect(await keysUnder(storage, '')).toEqual([]);
    expect(await storage.abandonUploads('')).toBe(0);
  });

  test('read over a connection that is cut raises an error instead of ending', async () => {
    const { storage } = await ground('s3', proxy.endpoint);
    await storage.write('data', chunked(randomBytes(sizes[size])), { signal: never });
    fail(Infinity, /^GET .*x-id=GetObject/, { cutAfter: sizes[size] / 2 });
    const reading = storage.read('data', { signal: never }).then(everything);
    await expect(reading).rejects.toThrow();
  });
});

test('a full server is NoSpace, with the bytes it took', async () => {
  const { storage } = await ground('s3', proxy.endpoint);
  fail(Infinity, /^PUT .*partNumber=/, { status: 507, code: 'InsufficientStorage' });
  const writing = storage.write('data', chunked(randomBytes(sizes.large)), { signal: never });
  await expect(writing).rejects.toMatchObject({
    type: 'NoSpace',
    details: [{ bytes: expect.any(Number) as number }],
  });
});

test.each([
  [
    'a wrong secret',
    { secretAccessKey: 'env:TEST_S3_WRONG' },
    /SignatureDoesNotMatch|Forbidden|AccessDenied/,
  ],
  ['an unknown access key', { accessKeyId: 'env:TEST_S3_WRONG' }, /InvalidAccessKeyId|XAdminUserNotFound/],
  ['a bucket that is not there', { bucket: 'no-such-bucket-here' }, /NoSuchBucket/],
])('%s is a matter of configuration, never tried again', async (_name, change, code) => {
  process.env['TEST_S3_WRONG'] = 'nothing-that-anybody-knows';
  const { destination } = await ground('s3');
  if (destination.type !== 's3') throw new Error('this is about S3');
  const storage = await openStorage({ ...destination, ...change });
  const failed = {
    type: 'ConfigurationError',
    nonRetryable: true,
    message: expect.stringMatching(code) as string,
  };
  // Never mistaken for an object that is missing.
  await expect(storage.read('data', { signal: never })).rejects.toMatchObject(failed);
  await expect(keysUnder(storage, '')).rejects.toMatchObject(failed);
  await expect(storage.stat('data')).rejects.toMatchObject({
    type: 'ConfigurationError',
    nonRetryable: true,
  });
  const writing = storage.write('data', chunked(Buffer.from('x')), { signal: never });
  await expect(writing).rejects.toMatchObject({ type: 'ConfigurationError', nonRetryable: true });
});

test('a secret that is not set, or only half of the credentials, is a matter of configuration', async () => {
  const { destination } = await ground('s3');
  if (destination.type !== 's3') throw new Error('this is about S3');
  const unset = await openStorage({ ...destination, secretAccessKey: 'env:TEST_S3_NOT_SET' });
  await expect(unset.stat('data')).rejects.toMatchObject({ type: 'ConfigurationError' });
  const { secretAccessKey: _secret, ...half } = destination;
  await expect(openStorage(half)).rejects.toThrow('names only one of accessKeyId and secretAccessKey');
});

test('a redirect is not followed', async () => {
  const { storage } = await ground('s3', proxy.endpoint);
  const elsewhere = await startFaultyProxy(sharedServers().s3.endpoint);
  fail(Infinity, /^GET|^PUT/, {
    status: 307,
    code: 'TemporaryRedirect',
    headers: { location: `${elsewhere.endpoint}/x` },
  });
  await expect(storage.read('data', { signal: never })).rejects.toThrow('TemporaryRedirect');
  await expect(storage.write('data', chunked(Buffer.from('x')), { signal: never })).rejects.toThrow(
    'TemporaryRedirect',
  );
  expect(elsewhere.seen).toEqual([]);
  await elsewhere.stop();
});

test('lists more than one page', async () => {
  const { storage, fileOf } = await ground('s3');
  // The server shows files as objects: quicker than a thousand uploads.
  await mkdir(fileOf('many'), { recursive: true });
  for (let at = 0; at < 1050; at += 1) await writeFile(fileOf(`many/${String(at).padStart(4, '0')}`), 'x');
  const found = await keysUnder(storage, 'many/');
  expect(found).toHaveLength(1050);
  expect(found.at(-1)).toBe('many/1049');
});

test('stays inside its prefix: another destination in the same bucket is not seen', async () => {
  const one = await ground('s3');
  if (one.destination.type !== 's3') throw new Error('this is about S3');
  const { bucket, endpoint = '' } = one.destination;
  const two = await openStorage(s3Destination(bucket, 'backups/of', endpoint));
  await one.storage.write('data', chunked(Buffer.from('x')), { signal: never });
  expect(await keysUnder(two, '')).toEqual([]);
  expect(two.locate('data')).toBe(`s3://${bucket}/backups/of/data`);
  const head = await client(endpoint).send(
    new HeadObjectCommand({ Bucket: bucket, Key: 'backups/of-tests/data' }),
  );
  expect(head.ContentLength).toBe(1);
});

test('parts never run out, and memory stays bounded', () => {
  let total = 0;
  let most = 0;
  for (let number = 1; number <= partLimit; number += 1) {
    const bytes = partBytes(number);
    expect(bytes).toBeGreaterThanOrEqual(5 * mebibyte); // S3 refuses smaller ones
    expect(bytes).toBeLessThanOrEqual(5 * 1024 * mebibyte); // and larger ones
    if (total < 62 * 1024 * mebibyte) most = Math.max(most, bytes * (partsInFlight(bytes) + 1));
    total += bytes;
  }
  expect(most).toBeLessThanOrEqual(64 * mebibyte);
  expect(total).toBeGreaterThan(4 * 1024 ** 4 - 1024 ** 4);
});
