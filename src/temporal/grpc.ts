/** The gRPC status codes that mean something to a person. https://grpc.io/docs/guides/status-codes/ */
export const grpc = {
  cancelled: 1,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  failedPrecondition: 9,
  unimplemented: 12,
  unavailable: 14,
  unauthenticated: 16,
} as const;

/** The status code of an error or of what it wraps. */
export function grpcCode(error: unknown): number | undefined {
  for (let current = error; current instanceof Error; current = current.cause) {
    const { code } = current as { code?: unknown };
    if (typeof code === 'number') return code;
  }
  return undefined;
}

/** The server's own sentence, or the message of the error. */
export function grpcDetails(error: unknown): string {
  for (let current = error; current instanceof Error; current = current.cause) {
    const { details } = current as { details?: unknown };
    if (typeof details === 'string' && details !== '') return details;
  }
  return error instanceof Error ? error.message : String(error);
}
