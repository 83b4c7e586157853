/** Help, as people read it; and completion scripts, as shells read them. */
import { spawnSync } from 'node:child_process';
import { Writable } from 'node:stream';
import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { completionScript } from '../../src/client/completion.ts';
import { Context } from '../../src/client/context.ts';
import { buildProgram } from '../../src/client/program.ts';
import { loadRunbooks, type Runbook } from '../../src/client/runbooks.ts';

function program(runbooks: readonly Runbook[]): Command {
  const nowhere = Object.assign(new Writable({ write: (_chunk, _encoding, done) => done() }), {
    columns: 100,
  });
  const stream = nowhere as unknown as NodeJS.WriteStream;
  return buildProgram(new Context({ stdout: stream, stderr: stream, env: {} }), runbooks);
}

function walk(command: Command, path: string[] = []): [path: string, command: Command][] {
  return [
    [path.join(' '), command],
    ...command.commands.flatMap((child) => walk(child, [...path, child.name()])),
  ];
}

const all = walk(program([]));
const helpOf = (path: string) => all.find(([known]) => known === path)?.[1].helpInformation() ?? '';

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

  test('runbook approve', () => {
    expect(helpOf('approve')).toMatchInlineSnapshot(`
      "Usage: runbook approve [options] [run]

      approve what waits for approval; shows the plan it approves

      Arguments:
        run                id of the run; its beginning, or that of its last part, is enough when unique

      Options:
        --system <name>    instead of an id: the only open run on this system
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
        --reason <text>  why, for the record
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

describe('completion', async () => {
  const built = program(await loadRunbooks());
  test.each(['bash', 'zsh', 'fish'] as const)('%s knows every command and every flag', (shell) => {
    const script = completionScript(built, shell);
    for (const [path, command] of walk(built)) {
      const name = path.split(' ').at(-1) ?? '';
      expect(script).toContain(name);
      for (const { long } of command.options)
        expect(script).toContain(shell === 'fish' ? `-l ${long?.slice(2)}` : long);
    }
  });

  test('the bash script parses, and completes', () => {
    const script = completionScript(built, 'bash');
    expect(spawnSync('bash', ['-n'], { input: script, encoding: 'utf8' })).toMatchObject({
      status: 0,
      stderr: '',
    });
    const complete = (...words: string[]) => {
      const setup = `COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _runbook; printf '%s\n' "\${COMPREPLY[@]}"`;
      return spawnSync('bash', ['-c', `${script}\n${setup}`], { encoding: 'utf8' })
        .stdout.trim()
        .split('\n');
    };
    expect(complete('runbook', 'ru')).toEqual(['run']);
    expect(complete('runbook', 'run', 'full')).toEqual(['full-backup']);
    expect(complete('runbook', 'run', 'full-backup', '--ki')).toEqual(['--kind']);
    expect(complete('runbook', 'schedules', 'a')).toEqual(['apply']);
    expect(complete('runbook', '--address', 'here', 'appr')).toEqual(['approve']);
  });

  test('the other two parse, where their shell is installed', () => {
    for (const shell of ['zsh', 'fish'] as const) {
      const parsed = spawnSync(shell, ['-n'], { input: completionScript(built, shell), encoding: 'utf8' });
      if (parsed.error) continue;
      expect(parsed.stderr).toBe('');
    }
  });
});
