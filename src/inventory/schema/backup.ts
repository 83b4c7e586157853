/** What is backed up, where to, how it is protected and how long it is kept. */
import { z } from 'zod';
import { argument, duration, filePath, httpUrl, name, secretReference } from './common.ts';

const prefix = argument
  .refine((text) => !text.split('/').includes('..') && !text.startsWith('/'), 'a relative prefix without ..')
  .default('');

export const filesystemDestination = z.strictObject({
  type: z.literal('filesystem'),
  directory: filePath,
});

export const s3Destination = z.strictObject({
  type: z.literal('s3'),
  endpoint: httpUrl.optional().describe('For any S3 server other than AWS.'),
  region: z.string().max(64).default('us-east-1'),
  bucket: z
    .string()
    .regex(
      /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/,
      'the name of a bucket: 3 to 63 lower-case letters, digits, dots and hyphens',
    ),
  prefix,
  accessKeyId: secretReference
    .optional()
    .describe('Without: the usual AWS chain (environment, profile, role).'),
  secretAccessKey: secretReference.optional(),
  pathStyle: z.boolean().default(false).describe('true for most servers other than AWS.'),
});

export const destination = z.discriminatedUnion('type', [filesystemDestination, s3Destination]);

export const retention = z
  .strictObject({
    keepLast: z.number().int().min(1).default(7).describe('The newest so many are always kept.'),
    keepFor: duration.default('30d').describe('Older ones may be removed.'),
  })
  .describe('The newest proven backup, and any in use, stay whatever this says.');

export const signing = z
  .strictObject({
    privateKey: secretReference.optional().describe('Ed25519 private key (PEM): signs manifests.'),
    trustedKeys: z.array(filePath).min(1).describe('Ed25519 public keys (PEM) whose manifests are believed.'),
  })
  .describe(
    'Without it manifests are unsigned, and a restore from them needs a pg_restore without known code execution.',
  );

export const backup = z.strictObject({
  destination,
  components: z.array(name).min(1).describe('The stores of one backup; they are dumped in parallel.'),
  compression: z
    .strictObject({
      level: z.number().int().min(1).max(19).default(3),
      threads: z.number().int().min(1).max(64).default(2),
    })
    .prefault({})
    .describe('zstd.'),
  signing: signing.optional(),
  encryption: z
    .strictObject({
      recipients: z
        .array(
          z.string().regex(/^age1[a-z0-9]{58}$/, 'an age recipient (a public key): age1 and 58 characters'),
        )
        .min(1),
      identity: secretReference.optional().describe('The age identity file, needed to restore.'),
    })
    .optional()
    .describe('age. The private identity can stay off the machine that takes backups.'),
  retention: retention.prefault({}),
  scratchDirectory: filePath
    .optional()
    .describe('Where a restore puts verified bytes before they are used. Default: the temporary directory.'),
  maxAge: duration.default('24h').describe('Older than this, the newest good backup counts as missing.'),
});

export type FilesystemDestination = z.infer<typeof filesystemDestination>;
export type S3Destination = z.infer<typeof s3Destination>;
export type Destination = z.infer<typeof destination>;
export type Backup = z.infer<typeof backup>;
