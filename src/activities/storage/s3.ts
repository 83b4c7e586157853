/** Any S3 server as object storage. */
import { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandOutput,
  paginateListObjectsV2,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { S3Destination } from '../../inventory/schema/backup.ts';
import { failure } from '../failures.ts';
import type { ObjectEntry, ObjectStorage, ReadOptions, StoredBytes, WriteOptions } from './contract.ts';
import { objectExists, objectMissing } from './errors.ts';
import { exactly } from './flow.ts';
import { checkPrefix, segmentsOf } from './key.ts';
import { clientFor, codeOf, explain, type Place, statusOf } from './s3-client.ts';
import { Upload } from './s3-upload.ts';

/** Opens the destination; nothing is asked of the server yet. */
export function openS3(destination: S3Destination): ObjectStorage {
  return new S3Storage(destination, clientFor(destination));
}

class S3Storage implements ObjectStorage {
  readonly #destination: S3Destination;
  readonly #client: S3Client;
  /** Before every key; empty, or ending in a slash. */
  readonly #prefix: string;

  constructor(destination: S3Destination, client: S3Client) {
    this.#destination = destination;
    this.#client = client;
    const prefix = destination.prefix.replace(/\/+$/, '');
    this.#prefix = prefix === '' ? '' : `${prefix}/`;
  }

  locate(key: string): string {
    const { Bucket, Key } = this.#object(key);
    return `s3://${Bucket}/${Key}`;
  }

  async write(key: string, body: AsyncIterable<Uint8Array>, options: WriteOptions): Promise<StoredBytes> {
    const place = this.#place(key);
    // The server refuses as well, but only after everything was sent.
    if (options.ifAbsent !== false && (await this.stat(key))) throw objectExists(place.location);
    return await new Upload(this.#client, place, this.#object(key), options).run(body);
  }

  async read(key: string, { signal, offset = 0 }: ReadOptions): Promise<Readable> {
    const place = this.#place(key);
    const range = offset > 0 ? { Range: `bytes=${offset}-` } : {};
    try {
      const got = await this.#client.send(new GetObjectCommand({ ...this.#object(key), ...range }), {
        abortSignal: signal,
      });
      if (!got.Body || got.ContentLength === undefined)
        throw new Error('the server answered without a body or its length');
      if (offset > 0 && !got.ContentRange?.startsWith(`bytes ${offset}-`)) {
        (got.Body as Readable).destroy();
        throw new Error(
          `the server was asked for the bytes from ${offset} and sent ${got.ContentRange ?? 'all'}`,
        );
      }
      return exactly(got.Body as Readable, got.ContentLength, place.location, signal);
    } catch (error) {
      if (codeOf(error) === 'NoSuchKey') throw objectMissing(place.location);
      if (statusOf(error) === 416) return await this.#nothingAfter(key, offset);
      throw explain(error, 'read', place, 0, signal);
    }
  }

  async stat(key: string): Promise<ObjectEntry | undefined> {
    const place = this.#place(key);
    try {
      const head = await this.#client.send(new HeadObjectCommand(this.#object(key)));
      return entryOf(key, head);
    } catch (error) {
      // The answer to a HEAD has no body: a bucket or an access key that does not exist looks the same as a missing object.
      if (statusOf(error) === 404) return await this.#surelyMissing(key);
      throw explain(error, 'look at', place);
    }
  }

  async *list(prefix: string): AsyncIterable<ObjectEntry> {
    checkPrefix(prefix);
    const where = { Bucket: this.#destination.bucket, Prefix: this.#prefix + prefix };
    try {
      for await (const page of paginateListObjectsV2({ client: this.#client }, where)) {
        for (const { Key, Size, LastModified } of page.Contents ?? []) {
          // Directories that a console made, and keys that are not ours, are nobody's objects.
          if (!Key?.startsWith(where.Prefix) || Key.endsWith('/')) continue;
          yield {
            key: Key.slice(this.#prefix.length),
            bytes: Size ?? 0,
            modifiedAt: LastModified ?? new Date(0),
          };
        }
      }
    } catch (error) {
      throw explain(error, 'list', {
        destination: this.#destination,
        location: `s3://${where.Bucket}/${where.Prefix}`,
      });
    }
  }

  async remove(key: string): Promise<void> {
    const place = this.#place(key);
    try {
      await this.#client.send(new DeleteObjectCommand(this.#object(key)));
    } catch (error) {
      if (codeOf(error) === 'NoSuchKey') return;
      throw explain(error, 'remove', place);
    }
  }

  async abandonUploads(prefix: string): Promise<number> {
    checkPrefix(prefix);
    const Bucket = this.#destination.bucket;
    const Prefix = this.#prefix + prefix;
    let given = 0;
    let from: Pick<ListMultipartUploadsCommandOutput, 'KeyMarker' | 'UploadIdMarker'> | undefined = {};
    try {
      while (from) {
        const listed: ListMultipartUploadsCommandOutput = await this.#client.send(
          new ListMultipartUploadsCommand({ Bucket, Prefix, ...from }),
        );
        for (const { Key, UploadId } of listed.Uploads ?? []) {
          if (!Key?.startsWith(Prefix)) continue;
          await this.#abort(Key, UploadId);
          given += 1;
        }
        from = listed.IsTruncated
          ? { KeyMarker: listed.NextKeyMarker, UploadIdMarker: listed.NextUploadIdMarker }
          : undefined;
      }
      return given;
    } catch (error) {
      throw explain(error, 'give up unfinished uploads under', {
        destination: this.#destination,
        location: `s3://${Bucket}/${Prefix}`,
      });
    }
  }

  /** Undefined only when the server says in words that there is no such object. */
  async #surelyMissing(key: string): Promise<ObjectEntry | undefined> {
    try {
      const got = await this.#client.send(new GetObjectCommand(this.#object(key)));
      (got.Body as Readable | undefined)?.destroy();
      return entryOf(key, got);
    } catch (error) {
      if (codeOf(error) === 'NoSuchKey') return undefined;
      throw explain(error, 'look at', this.#place(key));
    }
  }

  async #abort(Key: string, UploadId: string | undefined): Promise<void> {
    const Bucket = this.#destination.bucket;
    try {
      await this.#client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
    } catch (error) {
      if (codeOf(error) !== 'NoSuchUpload') throw error;
    }
  }

  /** Asked for bytes at or after the end: nothing when it is the very end, else an error. */
  async #nothingAfter(key: string, offset: number): Promise<Readable> {
    const found = await this.stat(key);
    if (found?.bytes === offset) return Readable.from([]);
    throw failure('StorageFailed', {
      what: `${this.locate(key)} has ${found?.bytes ?? 0} bytes; reading cannot start at ${offset}.`,
      retryable: false,
    });
  }

  #object(key: string): { Bucket: string; Key: string } {
    return { Bucket: this.#destination.bucket, Key: this.#prefix + segmentsOf(key).join('/') };
  }

  #place(key: string): Place {
    return { destination: this.#destination, location: this.locate(key) };
  }
}

function entryOf(
  key: string,
  about: { ContentLength?: number | undefined; LastModified?: Date | undefined },
): ObjectEntry {
  return { key, bytes: about.ContentLength ?? 0, modifiedAt: about.LastModified ?? new Date(0) };
}
