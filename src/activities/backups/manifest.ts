/**
 * The manifest of a backup: written last, so that a backup without one never counts.
 * It lists what is stored with sizes and hashes; what a restore is compared with is itself a stored, hashed object.
 *
 * Layout under the destination:
 *   <system>/<backup>/<store>/<object>       the data and `contents.json`
 *   <system>/<backup>/manifest.json          last
 *   <system>/<backup>/manifest.json.sig      Ed25519 over the manifest's bytes, when signing is configured
 *   <system>/<backup>/verified.json          every byte was read back and matched
 *   <system>/<backup>/proven.json            it was restored, and the data compared equal
 *   <system>/<backup>/leases/<key>.json      somebody is reading it: retention keeps away
 *   <system>/<backup>/removing.json          retention has begun: nobody may take a lease any more
 */
import { z } from 'zod';
import { backupId, backupKind, type BackupKind } from '../../inventory/backup-names.ts';
import { contentsFormat } from './contents-format.ts';

export { backupId, backupKind };
export type { BackupKind };

/** A stored object's name inside its component: never a path. */
const objectName = z.string().regex(/^[a-z0-9][a-z0-9.-]{0,62}$/);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

export const storedObject = z.strictObject({
  name: objectName,
  bytes: z.number().int().nonnegative(),
  sha256,
  compression: z.enum(['zstd', 'none']),
  encryption: z.enum(['age', 'none']),
});

export const componentRecord = z.strictObject({
  store: z.string().regex(/^[a-z][a-z0-9-]{0,62}$/),
  type: z.enum(['postgres', 'redis']),
  /** When the dump's snapshot was taken: the backup's age is counted from here. */
  takenAt: z.iso.datetime(),
  objects: z.array(storedObject).min(1),
  /** Short facts for people: tables, rows, keys, server version. */
  summary: z.record(z.string().max(63), z.union([z.string().max(200), z.number()])),
});

export const manifest = z.strictObject({
  format: z.literal('durable-runbooks/backup/1'),
  id: backupId,
  system: z.string().max(63),
  kind: backupKind,
  startedAt: z.iso.datetime(),
  finishedAt: z.iso.datetime(),
  run: z.strictObject({ workflowId: z.string(), runId: z.string() }),
  tools: z.record(z.string().max(63), z.string().max(200)),
  components: z.array(componentRecord).min(1),
});

/** `contents.json` of a PostgreSQL component, taken in the dump's own snapshot. */
export const postgresContents = z.strictObject({
  format: z.literal(contentsFormat).optional(),
  type: z.literal('postgres'),
  serverVersion: z.string(),
  tables: z.array(
    z.strictObject({
      schema: z.string(),
      name: z.string(),
      /** Decimal, since a count may pass 2^53. */
      rows: z.string().regex(/^\d+$/),
      /** Order-independent hash of the rows' values. */
      hash: z.string(),
      /** `columns`: sum of the columns' extended hashes, XORed; `text`: sum of hashtextextended over the row's text. */
      algorithm: z.enum(['columns', 'text']),
    }),
  ),
  sequences: z.array(
    z.strictObject({ schema: z.string(), name: z.string(), lastValue: z.string().nullable() }),
  ),
  /** What the database itself is like: needed when the live one is gone and cannot be asked. */
  database: z.strictObject({
    owner: z.string(),
    encoding: z.string(),
    collate: z.string(),
    ctype: z.string(),
    /** `c` libc, `i` ICU, `b` built in. */
    provider: z.enum(['c', 'i', 'b']),
    locale: z.string().nullable(),
    icuRules: z.string().nullable(),
    connectionLimit: z.number().int(),
    comment: z.string().nullable(),
    /** Null: the default privileges. An empty grantee is PUBLIC. */
    grants: z
      .array(
        z.strictObject({
          grantee: z.string(),
          privilege: z.enum(['CREATE', 'CONNECT', 'TEMPORARY']),
          grantable: z.boolean(),
        }),
      )
      .nullable(),
    /** `ALTER DATABASE … SET`, and with a role `ALTER ROLE … IN DATABASE … SET`. */
    settings: z.array(z.strictObject({ role: z.string().nullable(), name: z.string(), value: z.string() })),
  }),
});

/** `contents.json` of a Redis component, read from the dump itself by loading it into a scratch server. */
export const redisContents = z.strictObject({
  format: z.literal(contentsFormat).optional(),
  type: z.literal('redis'),
  serverVersion: z.string(),
  databases: z.array(
    z.strictObject({
      index: z.number().int().nonnegative(),
      /** Keys without expiry: must be equal after a restore. */
      lasting: z.strictObject({ keys: z.number().int(), digest: z.string() }),
      /** Keys with one, by the hour (UTC, epoch hours) they expire in: hours still to come must be equal. */
      expiring: z.array(
        z.strictObject({ hour: z.number().int(), keys: z.number().int(), digest: z.string() }),
      ),
    }),
  ),
});

export type StoredObject = z.infer<typeof storedObject>;
export type ComponentRecord = z.infer<typeof componentRecord>;
export type Manifest = z.infer<typeof manifest>;
export type PostgresContents = z.infer<typeof postgresContents>;
export type RedisContents = z.infer<typeof redisContents>;

/** Where each object of a backup lies, relative to the destination. */
export const keys = {
  system: (system: string) => `${system}/`,
  backup: (system: string, id: string) => `${system}/${id}/`,
  object: (system: string, id: string, store: string, object: string) => `${system}/${id}/${store}/${object}`,
  manifest: (system: string, id: string) => `${system}/${id}/manifest.json`,
  signature: (system: string, id: string) => `${system}/${id}/manifest.json.sig`,
  verified: (system: string, id: string) => `${system}/${id}/verified.json`,
  proven: (system: string, id: string) => `${system}/${id}/proven.json`,
  leases: (system: string, id: string) => `${system}/${id}/leases/`,
  removing: (system: string, id: string) => `${system}/${id}/removing.json`,
};
