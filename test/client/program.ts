/** The command's program, printing nowhere, for tests that read its help or walk its commands. */
import { Writable } from 'node:stream';
import type { Command } from 'commander';
import { Context } from '../../src/client/context.ts';
import { buildProgram } from '../../src/client/program.ts';
import type { Runbook } from '../../src/client/runbooks.ts';

export function program(runbooks: readonly Runbook[]): Command {
  const nowhere = Object.assign(new Writable({ write: (_chunk, _encoding, done) => done() }), {
    columns: 100,
  });
  const stream = nowhere as unknown as NodeJS.WriteStream;
  return buildProgram(new Context({ stdout: stream, stderr: stream, env: {} }), runbooks);
}

/** Every command with its path, `schedules apply`. */
export function walk(command: Command, path: string[] = []): [path: string, command: Command][] {
  return [
    [path.join(' '), command],
    ...command.commands.flatMap((child) => walk(child, [...path, child.name()])),
  ];
}

const all = walk(program([]));

export function helpOf(path: string): string {
  return all.find(([known]) => known === path)?.[1].helpInformation() ?? '';
}
