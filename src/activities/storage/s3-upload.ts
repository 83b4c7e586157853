/**
 * One object's way into a bucket. The SDK's own upload helper keeps small chunks whole and has no check of completeness for
 * a stream of unknown length, so parts are filled, counted and completed here.
 */
import { createHash, randomUUID } from 'node:crypto';
import { crc32 } from 'node:zlib';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  type CompletedPart,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { failure } from '../failures.ts';
import type { StoredBytes, WriteOptions } from './contract.ts';
import { objectExists } from './errors.ts';
import { untilAborted } from './flow.ts';
import { codeOf, explain, type Place, statusOf } from './s3-client.ts';
import { PartBuffer, partBytes, partLimit, partsInFlight } from './s3-parts.ts';

export class Upload {
  readonly #client: S3Client;
  readonly #place: Place;
  readonly #object: { Bucket: string; Key: string };
  readonly #options: WriteOptions;
  /** Stored with the object: how we know our own after an answer was lost. */
  readonly #writer = randomUUID();
  readonly #hash = createHash('sha256');
  /** Stops parts on their way as soon as anything fails. */
  readonly #stop = new AbortController();
  readonly #parts: CompletedPart[] = [];
  readonly #inFlight = new Set<Promise<void>>();
  readonly #spare: Buffer[] = [];
  #uploadId: string | undefined;
  #bytes = 0;
  #started = 0;

  constructor(
    client: S3Client,
    place: Place,
    object: { Bucket: string; Key: string },
    options: WriteOptions,
  ) {
    this.#client = client;
    this.#place = place;
    this.#object = object;
    this.#options = options;
  }

  async run(body: AsyncIterable<Uint8Array>): Promise<StoredBytes> {
    // While the body or `commit` runs, an error is theirs and says more than we could.
    let ours = false;
    try {
      let part = this.#nextPart();
      for await (const chunk of untilAborted(
        body,
        AbortSignal.any([this.#options.signal, this.#stop.signal]),
      )) {
        ours = true;
        this.#hash.update(chunk);
        for (let from = 0; from < chunk.length;) {
          // A full part goes out only when more follows: so what fits into one part is a single request.
          if (part.isFull) {
            await this.#send(part);
            part = this.#nextPart();
          }
          from += part.take(chunk, from);
        }
        this.#bytes += chunk.length;
        this.#options.onProgress?.(this.#bytes);
        ours = false;
      }
      ours = true;
      if (this.#uploadId !== undefined) await this.#send(part);
      await Promise.all(this.#inFlight);
      this.#stop.signal.throwIfAborted();
      ours = false;
      await this.#options.commit?.();
      ours = true;
      this.#options.signal.throwIfAborted();
      await this.#appear(part);
      return { bytes: this.#bytes, sha256: this.#hash.digest('hex') };
    } catch (error) {
      const cause: unknown = this.#stop.signal.aborted ? this.#stop.signal.reason : error;
      await this.#giveUp(cause);
      if (!ours && cause === error) throw error;
      throw explain(cause, 'write', this.#place, this.#bytes, this.#options.signal);
    }
  }

  #nextPart(): PartBuffer {
    const number = this.#started + 1;
    if (number > partLimit) {
      throw failure('StorageFailed', {
        what: `${this.#place.location} is larger than S3 takes (${partLimit.toLocaleString('en')} parts, ${this.#bytes.toLocaleString('en')} bytes so far).`,
        hint: 'Split the component, or back it up with a tool made for this size (pgBackRest).',
        retryable: false,
      });
    }
    return new PartBuffer(partBytes(number), this.#spare.pop());
  }

  /** Sends a part as soon as there is room; its failure stops the upload at the next chunk. */
  async #send(part: PartBuffer): Promise<void> {
    this.#uploadId ??= await this.#begin();
    const limit = partsInFlight(part.memory.length);
    while (this.#inFlight.size >= limit) await Promise.race(this.#inFlight);
    this.#stop.signal.throwIfAborted();
    const number = (this.#started += 1);
    const sending: Promise<void> = this.#sendPart(number, part)
      .catch((error: unknown) => {
        this.#stop.abort(error);
      })
      .finally(() => {
        this.#inFlight.delete(sending);
      });
    this.#inFlight.add(sending);
  }

  async #begin(): Promise<string> {
    const { UploadId } = await this.#client.send(
      new CreateMultipartUploadCommand({
        ...this.#object,
        ChecksumAlgorithm: 'CRC32',
        Metadata: { writer: this.#writer },
      }),
      { abortSignal: this.#options.signal },
    );
    if (!UploadId) throw new Error('the server began a multipart upload without an id');
    return UploadId;
  }

  async #sendPart(number: number, part: PartBuffer): Promise<void> {
    const content = part.content;
    const checksum = checksumOf(content);
    const { ETag } = await this.#client.send(
      new UploadPartCommand({
        ...this.#object,
        UploadId: this.#uploadId,
        PartNumber: number,
        Body: content,
        ContentLength: content.length,
        ChecksumCRC32: checksum,
      }),
      { abortSignal: AbortSignal.any([this.#options.signal, this.#stop.signal]) },
    );
    this.#parts.push({ PartNumber: number, ETag, ChecksumCRC32: checksum });
    this.#spare.push(part.memory);
  }

  /** The last request: only with it does the object become visible. */
  async #appear(only: PartBuffer): Promise<void> {
    const condition = this.#options.ifAbsent === false ? {} : { IfNoneMatch: '*' };
    const abortSignal = this.#options.signal;
    try {
      if (this.#uploadId === undefined) {
        const content = only.content;
        const checks = {
          ContentLength: content.length,
          ChecksumCRC32: checksumOf(content),
          Metadata: { writer: this.#writer },
        };
        await this.#client.send(
          new PutObjectCommand({ ...this.#object, Body: content, ...checks, ...condition }),
          { abortSignal },
        );
      } else {
        const Parts = this.#parts.sort((a, b) => (a.PartNumber ?? 0) - (b.PartNumber ?? 0));
        const complete = {
          ...this.#object,
          UploadId: this.#uploadId,
          MultipartUpload: { Parts },
          ...condition,
        };
        await this.#client.send(new CompleteMultipartUploadCommand(complete), { abortSignal });
      }
    } catch (error) {
      // The server may have done it and the answer been lost, so that the SDK's second try found it done already.
      if ((await this.#look().catch(() => undefined)) === 'ours') return;
      if (statusOf(error) === 412 || codeOf(error) === 'PreconditionFailed')
        throw objectExists(this.#place.location);
      throw error;
    }
    const seen = await this.#look();
    if (seen === 'ours') return;
    throw failure('StorageFailed', {
      what: `${this.#place.location} was accepted, but ${seen}, instead of the ${this.#bytes.toLocaleString('en')} bytes sent.`,
      hint: 'The storage server does not keep what it accepts: look at its log before another backup is trusted to it.',
    });
  }

  /** What is there under the key now: `ours`, or a phrase for what it is. An object of ours with another size is removed. */
  async #look(): Promise<string> {
    let head;
    try {
      head = await this.#client.send(new HeadObjectCommand(this.#object), {
        abortSignal: this.#options.signal,
      });
    } catch (error) {
      if (statusOf(error) === 404) return 'is not there afterwards';
      throw error;
    }
    if (head.Metadata?.['writer'] !== this.#writer) return "another writer's object is there";
    if (head.ContentLength === this.#bytes) return 'ours';
    await this.#client.send(new DeleteObjectCommand(this.#object), { abortSignal: this.#options.signal });
    return `it had ${head.ContentLength ?? 0} bytes and was removed`;
  }

  /** Leaves nothing behind: parts that stay are paid for and seen by nobody. */
  async #giveUp(reason: unknown): Promise<void> {
    if (!this.#stop.signal.aborted) this.#stop.abort(reason);
    await Promise.all(this.#inFlight);
    if (this.#uploadId === undefined) return;
    // Not with the caller's signal, which may be why we are here. What this cannot remove, `abandonUploads` will.
    const abort = new AbortMultipartUploadCommand({ ...this.#object, UploadId: this.#uploadId });
    await this.#client.send(abort, { abortSignal: AbortSignal.timeout(10_000) }).catch(() => {});
  }
}

/** CRC-32 as S3 wants it: the server compares it with what arrived. */
function checksumOf(content: Uint8Array): string {
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32(content));
  return checksum.toString('base64');
}
