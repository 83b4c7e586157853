/** The S3 client of a destination, and what its errors mean for a person. */
import { S3Client, type S3ServiceException } from '@aws-sdk/client-s3';
import { ApplicationFailure } from '@temporalio/common';
import type { S3Destination } from '../../inventory/schema/backup.ts';
import { failure } from '../failures.ts';
import { resolveSecret } from '../secrets.ts';
import { noSpace } from './errors.ts';

/** Milliseconds after which credentials are read again, so that a rotated secret is noticed. */
const credentialsFor = 5 * 60_000;

const clients = new Map<string, S3Client>();

/** One client for each destination, since each keeps its own connections. */
export function clientFor(destination: S3Destination): S3Client {
  const { endpoint, region, pathStyle, accessKeyId, secretAccessKey } = destination;
  if ((accessKeyId === undefined) !== (secretAccessKey === undefined)) {
    throw failure('ConfigurationError', {
      what: `The S3 destination ${destination.bucket} names only one of accessKeyId and secretAccessKey.`,
      hint: 'Give both, or neither to use the usual AWS chain (environment, profile, role).',
      retryable: false,
    });
  }
  const id = JSON.stringify([endpoint, region, pathStyle, accessKeyId, secretAccessKey]);
  let client = clients.get(id);
  if (!client) {
    client = new S3Client({
      region,
      forcePathStyle: pathStyle,
      maxAttempts: 5,
      // Other servers than AWS refuse the checksums that are sent unasked; parts carry one that we compute.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      // Where credentials are sent, and data read from, is the inventory's to say, never a server's.
      followRegionRedirects: false,
      // A connection that is silent for a minute is dead; a large part may well take longer than that altogether.
      requestHandler: { connectionTimeout: 5000, socketTimeout: 60_000 },
      ...(endpoint === undefined ? {} : { endpoint }),
      ...(accessKeyId && secretAccessKey
        ? { credentials: () => credentials(accessKeyId, secretAccessKey) }
        : {}),
    });
    clients.set(id, client);
  }
  return client;
}

async function credentials(accessKeyId: string, secretAccessKey: string) {
  const [id, secret] = await Promise.all([resolveSecret(accessKeyId), resolveSecret(secretAccessKey)]);
  return { accessKeyId: id, secretAccessKey: secret, expiration: new Date(Date.now() + credentialsFor) };
}

export interface Place {
  destination: S3Destination;
  location: string;
}

const wrongCredentials = [
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'AccessDenied',
  'Forbidden',
  'InvalidToken',
  'TokenRefreshRequired',
  'XAdminUserNotFound', // versitygw
];
const wrongPlace = [
  'NoSuchBucket',
  'PermanentRedirect',
  'AuthorizationHeaderMalformed',
  'IllegalLocationConstraintException',
  'InvalidBucketName',
];
const full = ['InsufficientStorage', 'QuotaExceeded', 'StorageFull', 'XMinioStorageFull'];

/** The server's code of an error, or its HTTP status as text: a HEAD has no body to say more. */
export function codeOf(error: unknown): string {
  const status = statusOf(error);
  const name = error instanceof Error ? error.name : 'unknown';
  if (name !== 'Unknown' && name !== 'UnknownError' && name !== 'Error') return name;
  if (status === 403) return 'Forbidden';
  if (status === 404) return 'NotFound';
  if (status === 412) return 'PreconditionFailed';
  return status === undefined ? ((error as NodeJS.ErrnoException).code ?? name) : `HTTP ${status}`;
}

export function statusOf(error: unknown): number | undefined {
  return (error as Partial<S3ServiceException> | undefined)?.$metadata?.httpStatusCode;
}

function attemptsOf(error: unknown): string {
  const attempts = (error as Partial<S3ServiceException> | undefined)?.$metadata?.attempts ?? 1;
  return attempts === 1 ? 'once' : `${attempts} times`;
}

/** The failure to throw for an error of the SDK; anything that already speaks to people, or is a cancellation, stays as it is. */
export function explain(
  error: unknown,
  verb: string,
  { destination, location }: Place,
  bytes = 0,
  signal?: AbortSignal,
): unknown {
  if (error instanceof ApplicationFailure || signal?.aborted) return signal?.aborted ? signal.reason : error;
  const code = codeOf(error);
  const at = `bucket ${destination.bucket} at ${destination.endpoint ?? `AWS, region ${destination.region}`}`;
  const message = error instanceof Error && error.message !== code ? `: ${error.message}` : '';
  const what = `Could not ${verb} ${location} (${at}): ${code}${message.replace(/\.$/, '')}.`;
  const details = { bucket: destination.bucket, location, endpoint: destination.endpoint ?? null, code };
  if (code === 'CredentialsProviderError') {
    const hint =
      'Set accessKeyId and secretAccessKey of the destination, or give the worker a profile, environment or role.';
    return failure('ConfigurationError', { what, hint, retryable: false, details, cause: error });
  }
  if (wrongCredentials.includes(code)) {
    const hint =
      'Look at the access key, its secret and what the bucket allows it: read, write, list and delete under the prefix.';
    return failure('ConfigurationError', { what, hint, retryable: false, details, cause: error });
  }
  if (wrongPlace.includes(code)) {
    const hint =
      'Look at bucket, region, endpoint and pathStyle of the destination; redirects are never followed.';
    return failure('ConfigurationError', { what, hint, retryable: false, details, cause: error });
  }
  if (full.includes(code) || statusOf(error) === 507) return noSpace(location, bytes, error);
  return failure('StorageFailed', {
    what,
    hint: `It was tried ${attemptsOf(error)}. Look at the storage server and the network between it and this worker.`,
    details,
    cause: error,
  });
}
