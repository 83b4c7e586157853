/** What a command that did not do its work throws. Everything in it is redacted already. */

/** exit: it ended with a code or by a signal that is not accepted. spawn: the system refused to start it. */
export type CommandErrorReason = 'exit' | 'timeout' | 'cancelled' | 'not-found' | 'spawn';

export interface CommandErrorFacts {
  /** As a person would paste it. */
  command: string;
  reason: CommandErrorReason;
  /** One sentence: what happened to it. */
  what: string;
  exitCode?: number | null;
  signalName?: string | null;
  /** The end of what it printed, redacted and bounded. */
  lastLines?: string;
  cause?: unknown;
}

export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly command: string;
  readonly reason: CommandErrorReason;
  readonly exitCode: number | null;
  readonly signalName: string | null;
  readonly lastLines: string;
  /** The sentence alone, without command and output. */
  readonly what: string;

  constructor(facts: CommandErrorFacts) {
    const { command, reason, what, exitCode = null, signalName = null, lastLines = '' } = facts;
    super([`${what}: ${command}`, ...(lastLines === '' ? [] : [lastLines])].join('\n'), {
      cause: facts.cause,
    });
    this.command = command;
    this.reason = reason;
    this.what = what;
    this.exitCode = exitCode;
    this.signalName = signalName;
    this.lastLines = lastLines;
  }
}

/** The reading end went away before everything was written: what the reader says when it ends tells the story. */
export function isBrokenPipe(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  return (
    code === 'EPIPE' ||
    code === 'ECONNRESET' ||
    // A write that was still waiting when the reader was killed.
    code === 'ECANCELED' ||
    code === 'ERR_STREAM_PREMATURE_CLOSE' ||
    code === 'ERR_STREAM_DESTROYED'
  );
}
