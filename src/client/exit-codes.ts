/** What the `runbook` command's exit codes mean. Shown by `runbook --help`; scripts and schedulers rely on them. */
export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  unhealthy: 3,
  busy: 4,
  aborted: 5,
  unreachable: 6,
  noWorker: 7,
  detached: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

export const exitCodeHelp = `Exit codes:
  0    done
  1    the run failed
  2    wrong usage or input; nothing was started
  3    a health check found the system unhealthy
  4    another runbook holds the system
  5    aborted, rejected, cancelled or terminated
  6    Temporal cannot be reached
  7    no worker answered in time
  130  detached with Ctrl-C; the run goes on`;
