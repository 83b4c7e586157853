/** Both kinds of storage, on real ground: a directory, and a bucket of the shared S3 server (whose objects are files). */
import { createHash, randomBytes } from 'node:crypto';
import path from 'node:path';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import type { Destination } from '../../src/inventory/schema/backup.ts';
import type { ObjectStorage } from '../../src/activities/storage/contract.ts';
import { openStorage } from '../../src/activities/storage/index.ts';
import { sharedServers, temporaryDirectory } from '../support/servers.ts';

export interface Ground {
  destination: Destination;
  storage: ObjectStorage;
  /** The file that holds the object, to look at or to damage behind the storage's back. */
  fileOf: (key: string) => string;
}

export const kinds = ['filesystem', 's3'] as const;

/** A fresh place for one test. */
export async function ground(kind: (typeof kinds)[number], endpoint?: string): Promise<Ground> {
  if (kind === 'filesystem') {
    const directory = await temporaryDirectory();
    const destination: Destination = { type: 'filesystem', directory };
    return {
      destination,
      storage: await openStorage(destination),
      fileOf: (key) => path.join(directory, key),
    };
  }
  const { s3 } = sharedServers();
  const bucket = `test-${randomBytes(6).toString('hex')}`;
  const prefix = 'backups/of-tests';
  await client(s3.endpoint).send(new CreateBucketCommand({ Bucket: bucket }));
  const destination = s3Destination(bucket, prefix, endpoint ?? s3.endpoint);
  return {
    destination,
    storage: await openStorage(destination),
    fileOf: (key) => path.join(s3.dataDirectory, bucket, prefix, key),
  };
}

export function s3Destination(
  bucket: string,
  prefix: string,
  endpoint: string,
): Extract<Destination, { type: 's3' }> {
  const { s3 } = sharedServers();
  process.env['TEST_S3_ID'] = s3.accessKeyId;
  process.env['TEST_S3_SECRET'] = s3.secretAccessKey;
  return {
    type: 's3',
    endpoint,
    region: s3.region,
    bucket,
    prefix,
    pathStyle: true,
    accessKeyId: 'env:TEST_S3_ID',
    secretAccessKey: 'env:TEST_S3_SECRET',
  };
}

export function client(endpoint: string): S3Client {
  const { s3 } = sharedServers();
  const { accessKeyId, secretAccessKey, region } = s3;
  return new S3Client({
    endpoint,
    region,
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
  });
}

/** A signal that nobody aborts. */
export const never = new AbortController().signal;

/** The bytes in chunks of an awkward size, each in a buffer that is overwritten once it was taken. */
export async function* chunked(bytes: Uint8Array, size = 77_777): AsyncGenerator<Uint8Array> {
  const shared = Buffer.alloc(size);
  for (let from = 0; from < bytes.length; from += size) {
    const chunk = bytes.subarray(from, from + size);
    shared.set(chunk);
    yield shared.subarray(0, chunk.length);
    shared.fill(0);
  }
}

export async function everything(source: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of source) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export async function keysUnder(storage: ObjectStorage, prefix: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of storage.list(prefix)) found.push(key);
  return found.sort();
}
