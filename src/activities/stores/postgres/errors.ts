/** What PostgreSQL's programs print when they fail, told as failures that say what to do next. */
import type { CommandError } from '../../../exec/index.ts';
import type { FailureType } from '../../failures.ts';
import { commandFailure } from '../../work.ts';

interface Kind {
  pattern: RegExp;
  type: FailureType;
  hint: string;
  retryable?: false;
}

/** The first that matches counts. Messages are the server's in English: LC_ALL=C holds for libpq, and superusers' `lc_messages` rarely differs. */
const kinds: readonly Kind[] = [
  {
    pattern: /No space left on device|could not extend file|disk full/i,
    type: 'NoSpace',
    hint: 'Free space on the disk named above, or make it larger; the step can then be tried again.',
  },
  {
    pattern:
      /password authentication failed|no password supplied|no pg_hba\.conf entry|Peer authentication failed/,
    type: 'ConfigurationError',
    hint: 'Check the user and the password reference in the inventory, and pg_hba.conf of the server.',
    retryable: false,
  },
  {
    pattern:
      /could not connect to server|connection to server .* failed: (?!FATAL: {2}(?:database|role))|server closed the connection|terminating connection|Connection refused|the database system is (?:starting up|shutting down|in recovery)|could not translate host name|timeout expired/,
    type: 'Unreachable',
    hint: 'See that the server runs and answers; the step is tried again.',
  },
  {
    pattern: /canceling statement due to lock timeout/,
    type: 'NotReady',
    hint: 'Somebody keeps a lock on a table: an unfinished ALTER, or a session idle in transaction. SELECT pid, state, xact_start, query FROM pg_stat_activity ORDER BY xact_start; shows who. The step is tried again.',
  },
  {
    pattern: /server version mismatch/,
    type: 'ConfigurationError',
    hint: "Install client programs of the server's major version, or a newer one, on the worker.",
    retryable: false,
  },
  {
    pattern:
      /permission denied|must be (?:owner|superuser|member)|query would be affected by row-level security/,
    type: 'ConfigurationError',
    hint: 'The user of the inventory may not do this. Backups and restores need a superuser, or the owner of everything with BYPASSRLS and CREATEDB.',
    retryable: false,
  },
  {
    pattern: /role ".*" does not exist/,
    type: 'CommandFailed',
    hint: "A role is missing on this server: create it (the backup's globals.sql lists all of them), then try the step again.",
  },
];

/** A failure for people; a cancelled command gives what cancelled it. `what` is one sentence without its full stop. */
export function explain(
  error: CommandError,
  what: string,
  hint = 'Read the last lines; then try the step again.',
): Error {
  const kind = kinds.find(({ pattern }) => pattern.test(error.lastLines));
  return commandFailure(error, {
    what,
    type: kind?.type ?? 'CommandFailed',
    hint: kind?.hint ?? hint,
    ...(kind?.retryable === false ? { retryable: false } : {}),
  });
}
