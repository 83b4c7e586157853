/** Help, as people read it. */
import { describe, expect, test } from 'vitest';
import { helpOf, program, walk } from './program.ts';

const all = walk(program([]));

test('every command has a description, and every option says what it does', () => {
  for (const [path, command] of all) {
    expect(command.description(), path).not.toBe('');
    for (const option of command.options) expect(option.description, `${path} ${option.flags}`).not.toBe('');
  }
});

test('the exit codes are in the help', () => {
  let text = '';
  const built = program([]).configureOutput({ writeOut: (more) => (text += more) });
  built.outputHelp();
  for (const code of ['0 ', '1 ', '2 ', '3 ', '4 ', '5 ', '6 ', '7 ', '130'])
    expect(text).toMatch(new RegExp(`^  ${code} `, 'm'));
});

describe('help of', () => {
  test('runbook list', () => {
    expect(helpOf('list')).toMatchInlineSnapshot(`
      "Usage: runbook list [options]

      list the runbooks

      Options:
        --json      as JSON
        -h, --help  display help for command
      "
    `);
  });

  test('runbook describe', () => {
    expect(helpOf('describe')).toMatchInlineSnapshot(`
      "Usage: runbook describe [options] <runbook>

      describe a runbook and its inputs

      Options:
        --json      as JSON, the inputs as JSON Schema
        -h, --help  display help for command
      "
    `);
  });

  test('runbook validate', () => {
    expect(helpOf('validate')).toMatchInlineSnapshot(`
      "Usage: runbook validate [options] [files...]

      check inventories, and that their schedules name runbooks and inputs that exist

      Arguments:
        files       default: all of the inventory directory

      Options:
        --json      as JSON
        -h, --help  display help for command
      "
    `);
  });

  test('runbook status', () => {
    expect(helpOf('status')).toMatchInlineSnapshot(`
      "Usage: runbook status [options] [run]

      open runs: system, runbook, phase, since when, waiting for what

      Arguments:
        run              one run in full; its beginning, or that of its last part, is enough when unique

      Options:
        --system <name>  only runs on this system
        --json           as JSON
        -h, --help       display help for command
      "
    `);
  });

  test('runbook timeline', () => {
    expect(helpOf('timeline')).toMatchInlineSnapshot(`
      "Usage: runbook timeline [options] [run]

      what happened in a run, in order; works without a worker

      Arguments:
        run              id of the run; its beginning, or that of its last part, is enough when unique

      Options:
        --system <name>  instead of an id: the only open run on this system
        --json           as JSON
        -h, --help       display help for command
      "
    `);
  });

  test('runbook backups', () => {
    expect(helpOf('backups')).toMatchInlineSnapshot(`
      "Usage: runbook backups [options]

      the backups of a system: age, size, verified or proven

      Options:
        --system <name>  the system
        --json           as JSON
        -h, --help       display help for command
      "
    `);
  });

  test('runbook plan', () => {
    expect(helpOf('plan')).toMatchInlineSnapshot(`
      "Usage: runbook plan <runbook> --system <name> [inputs] [options]

      show what a runbook would do: every command, nothing is changed

      Options:
        -h, --help  display help for command
      "
    `);
  });

  test('runbook run', () => {
    expect(helpOf('run')).toMatchInlineSnapshot(`
      "Usage: runbook run <runbook> --system <name> [inputs] [options]

      start a runbook and follow it; Ctrl-C detaches, the run goes on

      Options:
        -h, --help  display help for command
      "
    `);
  });

  test('runbook watch', () => {
    expect(helpOf('watch')).toMatchInlineSnapshot(`
      "Usage: runbook watch [options] [run]

      follow a run; Ctrl-C detaches, the run goes on

      Arguments:
        run              id of the run; its beginning, or that of its last part, is enough when unique

      Options:
        --system <name>  instead of an id: the only open run on this system
        --json           one JSON object a line
        -h, --help       display help for command
      "
    `);
  });

  test('runbook schedules', () => {
    expect(helpOf('schedules')).toMatchInlineSnapshot(`
      "Usage: runbook schedules [options] [command]

      show or apply the schedules of the inventories

      Options:
        -h, --help       display help for command

      Commands:
        list [options]   the schedules of ours that Temporal has
        apply [options]  make the schedules as the inventories want them; prints the changes first
        help [command]   display help for command
      "
    `);
  });

  test('runbook schedules list', () => {
    expect(helpOf('schedules list')).toMatchInlineSnapshot(`
      "Usage: runbook schedules list [options]

      the schedules of ours that Temporal has

      Options:
        --json      as JSON
        -h, --help  display help for command
      "
    `);
  });

  test('runbook schedules apply', () => {
    expect(helpOf('schedules apply')).toMatchInlineSnapshot(`
      "Usage: runbook schedules apply [options]

      make the schedules as the inventories want them; prints the changes first

      Options:
        --dry-run   only print the changes
        --prune     also delete those of systems that have no inventory here
        --json      as JSON: the changes, and whether they were made
        -h, --help  display help for command
      "
    `);
  });

  test('runbook worker', () => {
    expect(helpOf('worker')).toMatchInlineSnapshot(`
      "Usage: runbook worker [options]

      run a worker; SIGTERM or Ctrl-C stops it in order

      Options:
        --metrics <host:port>  serve Prometheus metrics, such as 127.0.0.1:9464 (default: off)
        --log-level <level>    of the log on stderr (choices: "trace", "debug", "info", "warn", "error",
                               default: "warn")
        -h, --help             display help for command
      "
    `);
  });

  test('runbook dev', () => {
    expect(helpOf('dev')).toMatchInlineSnapshot(`
      "Usage: runbook dev [options]

      start a Temporal dev server (its runs are kept in .cache/dev) and a worker

      Options:
        --demo                 prepare the demonstration system first, unless it is there
        --port <port>          of Temporal (default: "7233")
        --ui-port <port>       of Temporal's web UI (default: "8233")
        --metrics <host:port>  serve Prometheus metrics, such as 127.0.0.1:9464 (default: off)
        --log-level <level>    of the log on stderr (choices: "trace", "debug", "info", "warn", "error",
                               default: "warn")
        -h, --help             display help for command
      "
    `);
  });

  test('runbook schema', () => {
    expect(helpOf('schema')).toMatchInlineSnapshot(`
      "Usage: runbook schema [options]

      print the JSON Schema of inventories, for editors

      Options:
        -h, --help  display help for command
      "
    `);
  });

  test('runbook completion', () => {
    expect(helpOf('completion')).toMatchInlineSnapshot(`
      "Usage: runbook completion [options] <shell>

      print a completion script: eval "$(runbook completion bash)"

      Options:
        -h, --help  display help for command
      "
    `);
  });
});
