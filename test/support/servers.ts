/** Everything a test needs to start real servers of its own, and the shared ones' addresses. */
import { inject } from 'vitest';

import type { PsqlConnection } from '../../tools/lib/psql.ts';

export { temporaryDirectory } from '../../tools/lib/directories.ts';
export { freePort } from '../../tools/lib/ports.ts';
export { psql, type PsqlConnection } from '../../tools/lib/psql.ts';
export { waitUntil } from '../../tools/lib/wait.ts';
export { type PostgresServer, startPostgres } from '../../tools/servers/postgres.ts';
export { type RedisServer, startRedis } from '../../tools/servers/redis.ts';
export { type SlackReceiver, startSlackReceiver } from '../../tools/servers/slack.ts';
export { startTemporalDevServer, type TemporalServer } from '../../tools/servers/temporal.ts';
export { startTimeSkipping } from '../../tools/servers/time-skipping.ts';
export { type S3Server, startVersitygw } from '../../tools/servers/versitygw.ts';

/** The addresses of the servers that all test files share; started by global-setup.ts. */
export interface SharedServers {
  readonly temporal: { readonly address: string; readonly namespace: string };
  readonly postgres: {
    readonly host: string;
    readonly port: number;
    readonly socketDirectory: string;
    readonly user: string;
    readonly password: string;
    readonly binaries: string;
    readonly logFile: string;
  };
  readonly s3: {
    readonly endpoint: string;
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly region: string;
    readonly dataDirectory: string;
  };
}

declare module 'vitest' {
  interface ProvidedContext {
    servers: SharedServers;
  }
}

/** The shared servers. Give every test a database, a bucket, a task queue and a system name of its own on them. */
export function sharedServers(): SharedServers {
  return inject('servers');
}

/** How `psql` reaches a database of the shared cluster, over TCP with the password. */
export function sharedDatabase(database = 'postgres'): PsqlConnection {
  const { host, port, user, password, binaries } = sharedServers().postgres;
  return { host, port, user, password, database, psql: `${binaries}/psql` };
}
