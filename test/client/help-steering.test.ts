/** Help of the commands that say something to a run, as people read it. */
import { expect, test } from 'vitest';
import { helpOf } from './program.ts';

test('runbook approve', () => {
  expect(helpOf('approve')).toMatchInlineSnapshot(`
    "Usage: runbook approve [options] [run]

    approve what waits for approval; shows the plan it approves

    Arguments:
      run                id of the run; its beginning, or that of its last part, is enough when unique

    Options:
      --system <name>    instead of an id: the only open run on this system
      --json             the answer as JSON
      --digest <digest>  the plan you saw (its first letters): another plan is not approved
      --note <text>      for the record
      -h, --help         display help for command
    "
  `);
});

test('runbook reject', () => {
  expect(helpOf('reject')).toMatchInlineSnapshot(`
    "Usage: runbook reject [options] [run]

    reject what waits for approval

    Arguments:
      run              id of the run; its beginning, or that of its last part, is enough when unique

    Options:
      --system <name>  instead of an id: the only open run on this system
      --json           the answer as JSON
      --reason <text>  why, for the record
      -h, --help       display help for command
    "
  `);
});

test('runbook acknowledge', () => {
  expect(helpOf('acknowledge')).toMatchInlineSnapshot(`
    "Usage: runbook acknowledge [options] [run]

    acknowledge: paging stops

    Arguments:
      run              id of the run; its beginning, or that of its last part, is enough when unique

    Options:
      --system <name>  instead of an id: the only open run on this system
      --json           the answer as JSON
      -h, --help       display help for command
    "
  `);
});

test('runbook retry', () => {
  expect(helpOf('retry')).toMatchInlineSnapshot(`
    "Usage: runbook retry [options] [run]

    try a parked step again

    Arguments:
      run              id of the run; its beginning, or that of its last part, is enough when unique

    Options:
      --system <name>  instead of an id: the only open run on this system
      --json           the answer as JSON
      --step <id>      which step, when more than one is parked
      -h, --help       display help for command
    "
  `);
});

test('runbook skip', () => {
  expect(helpOf('skip')).toMatchInlineSnapshot(`
    "Usage: runbook skip [options] [run]

    go on without a parked step

    Arguments:
      run              id of the run; its beginning, or that of its last part, is enough when unique

    Options:
      --system <name>  instead of an id: the only open run on this system
      --json           the answer as JSON
      --reason <text>  why, for the record
      --step <id>      which step, when more than one is parked
      -h, --help       display help for command
    "
  `);
});

test('runbook abort', () => {
  expect(helpOf('abort')).toMatchInlineSnapshot(`
    "Usage: runbook abort [options] [run]

    end a run: no further step starts, what can be undone is undone

    Arguments:
      run              id of the run; its beginning, or that of its last part, is enough when unique

    Options:
      --system <name>  instead of an id: the only open run on this system
      --json           the answer as JSON
      --reason <text>  why, for the record
      -h, --help       display help for command
    "
  `);
});

test('runbook extend-notice', () => {
  expect(helpOf('extend-notice')).toMatchInlineSnapshot(`
    "Usage: runbook extend-notice [options] [run]

    give users more time

    Arguments:
      run               id of the run; its beginning, or that of its last part, is enough when unique

    Options:
      --system <name>   instead of an id: the only open run on this system
      --json            the answer as JSON
      --for <duration>  added to what is left, such as 5m
      -h, --help        display help for command
    "
  `);
});

test('runbook skip-notice', () => {
  expect(helpOf('skip-notice')).toMatchInlineSnapshot(`
    "Usage: runbook skip-notice [options] [run]

    end a notice early

    Arguments:
      run              id of the run; its beginning, or that of its last part, is enough when unique

    Options:
      --system <name>  instead of an id: the only open run on this system
      --json           the answer as JSON
      --reason <text>  why, for the record
      -h, --help       display help for command
    "
  `);
});
