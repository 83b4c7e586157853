/** Where a system keeps its data. */
import { z } from 'zod';
import { duration, filePath, host, identifier, name, port, secretReference } from './common.ts';

export const validation = z
  .strictObject({
    name: z.string().min(1).max(120),
    sql: z
      .string()
      .min(1)
      .max(4096)
      .describe('A query that returns one number. It runs in a read-only transaction.'),
    atLeast: z.number().optional(),
    atMost: z.number().optional(),
    equals: z.number().optional(),
  })
  .describe('What must be true of the data after a restore, beside the comparison with the manifest.');

export const postgresStore = z.strictObject({
  type: z.literal('postgres'),
  service: name.describe('The service that runs this server.'),
  host,
  port: port.default(5432),
  user: identifier,
  password: secretReference.optional(),
  database: identifier,
  maintenanceDatabase: identifier
    .default('postgres')
    .describe('Where to connect while the database itself is renamed.'),
  validations: z.array(validation).default([]),
  keepReplaced: duration.default('7d').describe('How long the replaced database is kept after a restore.'),
  restoreJobs: z.number().int().min(1).max(64).default(2).describe('Parallel jobs of pg_restore.'),
});

export const redisStore = z.strictObject({
  type: z.literal('redis'),
  service: name,
  host,
  port: port.default(6379),
  user: identifier.optional(),
  password: secretReference.optional(),
  dataDirectory: filePath.describe('The `dir` of the server: restored beside, then swapped by rename.'),
  keepReplaced: duration.default('7d'),
});

export const store = z.discriminatedUnion('type', [postgresStore, redisStore]);

export type Validation = z.infer<typeof validation>;
export type PostgresStore = z.infer<typeof postgresStore>;
export type RedisStore = z.infer<typeof redisStore>;
export type Store = z.infer<typeof store>;
