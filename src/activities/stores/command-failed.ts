/** A program's failure as a person needs it, where nothing more special can be said about it. */
import { CommandError } from '../../exec/index.ts';
import { commandFailure } from '../work.ts';

const full = /No space left on device|ENOSPC/;

/** Answers a function that turns a CommandError into a failure, and hands on anything else. A full disk is a `NoSpace`. */
export function commandFailed(
  what: string,
  hint = 'Read the last lines; then try the step again.',
): (error: unknown) => unknown {
  return (error) => {
    if (!(error instanceof CommandError)) return error;
    if (!full.test(error.lastLines)) return commandFailure(error, { what, hint });
    return commandFailure(error, { what, type: 'NoSpace', hint: 'Free space; then try the step again.' });
  };
}
