/** Object storage, whatever the cloud. Keys are relative, '/'-separated, and made by us alone. */
import type { Readable } from 'node:stream';

export interface StoredBytes {
  bytes: number;
  /** Lower-case hexadecimal, of the bytes as stored. */
  sha256: string;
}

export interface ObjectEntry {
  key: string;
  bytes: number;
  modifiedAt: Date;
}

export interface WriteOptions {
  signal: AbortSignal;
  /** Refuse (failure type `ObjectExists`) rather than replace. Default true: a backup's objects are written once. */
  ifAbsent?: boolean;
  /** Called when the body has ended, before the object appears. A throw leaves no object: a dump that failed is never stored. */
  commit?: () => Promise<void>;
  onProgress?: (bytes: number) => void;
}

export interface ReadOptions {
  signal: AbortSignal;
  /** First byte; to resume a transfer. */
  offset?: number;
}

export interface ObjectStorage {
  /** How a person would name this object: `s3://bucket/prefix/key`, or a path. */
  locate(key: string): string;
  /** The object appears whole or not at all, durable when this resolves. Bounded memory whatever the size. */
  write(key: string, body: AsyncIterable<Uint8Array>, options: WriteOptions): Promise<StoredBytes>;
  read(key: string, options: ReadOptions): Promise<Readable>;
  stat(key: string): Promise<ObjectEntry | undefined>;
  list(prefix: string): AsyncIterable<ObjectEntry>;
  /** No error when it is gone already. */
  remove(key: string): Promise<void>;
  /** Gives up uploads under the prefix that a dead worker left unfinished. Answers how many. */
  abandonUploads(prefix: string): Promise<number>;
}
