/**
 * Where Temporal is, and how to reach it. The same profiles and TEMPORAL_* variables as the `temporal` command: what
 * works there works here. Without any of them: localhost:7233, namespace `default`.
 */
import { Client, Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { grpcDetails } from './grpc.ts';

export interface Target {
  /** Host and port; overrides profile and environment. */
  address?: string | undefined;
  namespace?: string | undefined;
  /** A profile of the Temporal CLI's configuration file. */
  profile?: string | undefined;
}

/** What both kinds of connection (the client's and the worker's) are made from. */
export interface ConnectionSettings {
  address: string;
  namespace: string;
  /** TLS, API key and metadata as the profile says. */
  options: { address: string; tls?: unknown; apiKey?: unknown; metadata?: unknown };
}

/** Nothing answers at the address, or what answers refuses us. */
export class TemporalUnreachable extends Error {
  override readonly name = 'TemporalUnreachable';
  readonly address: string;
  constructor(address: string, cause: unknown) {
    super(
      `Temporal does not answer at ${address}: ${grpcDetails(cause).split('\n')[0]}\n` +
        'Start it with `runbook dev` or `temporal server start-dev`, or say where it is: --address, --profile, TEMPORAL_ADDRESS.',
      { cause },
    );
    this.address = address;
  }
}

/** Reads profile and environment. Throws an Error that names what is wrong with them. */
export function connectionSettings(target: Target = {}): ConnectionSettings {
  const loaded = load(target.profile);
  const address = target.address ?? loaded.connectionOptions.address ?? 'localhost:7233';
  return {
    address,
    namespace: target.namespace ?? loaded.namespace ?? 'default',
    options: { ...loaded.connectionOptions, address },
  };
}

function load(profile: string | undefined) {
  try {
    return loadClientConnectConfig(profile === undefined ? {} : { profile });
  } catch (error) {
    // A file without any profile (an empty one, /dev/null) makes the library stumble: it counts as no file.
    if (!(error instanceof TypeError)) throw error;
    if (profile !== undefined)
      throw new Error(`The Temporal configuration has no profile ${profile}.`, { cause: error });
    return loadClientConnectConfig({ disableFile: true });
  }
}

export interface TemporalClient {
  client: Client;
  connection: Connection;
  address: string;
  namespace: string;
}

/**
 * A connected client, or `TemporalUnreachable` after `connectTimeoutMs` (default 5000). Once connected, a server that
 * goes away is looked for again every two seconds at most, so that following a run goes on soon after it is back.
 */
export async function connectClient(target: Target = {}, connectTimeoutMs = 5000): Promise<TemporalClient> {
  const { address, namespace, options } = connectionSettings(target);
  let connection: Connection;
  try {
    connection = await Connection.connect({
      ...(options as object),
      connectTimeout: connectTimeoutMs,
      channelArgs: { 'grpc.initial_reconnect_backoff_ms': 250, 'grpc.max_reconnect_backoff_ms': 2000 },
    });
  } catch (error) {
    throw new TemporalUnreachable(address, error);
  }
  return { client: new Client({ connection, namespace }), connection, address, namespace };
}
