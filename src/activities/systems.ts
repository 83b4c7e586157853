/** Reads inventories for runs: one system, validated, so that a run keeps to what it started with. */
import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import {
  didYouMean,
  formatProblem,
  inventoryFiles,
  loadSystemFile,
  type Parsed,
  type Problem,
} from '../inventory/index.ts';
import type { Activities } from './contract.ts';
import { failure } from './failures.ts';

/** So many problems are told in one failure, which has to stay small. */
const problemsTold = 8;

export function createSystemActivities({
  systemsDirectory,
}: {
  systemsDirectory: string;
}): Pick<Activities, 'loadSystem' | 'digest'> {
  return {
    /**
     * The name comes from outside, so it is only ever compared with the names of the files there are, never made into a path.
     * `digest` is the SHA-256 (hex) of the system as JSON.
     * Fails, never to be tried again, with InvalidInput (no such system) or ConfigurationError (its file is broken).
     */
    async loadSystem({ system: name }) {
      const { files, problems } = await inventoryFiles(systemsDirectory);
      if (problems.length > 0)
        throw broken('The directory of inventories cannot be read.', problems, directoryHint);
      const own = files.filter((file) => systemName(file) === name);
      const [file, another] = own;
      if (file === undefined) throw unknownSystem(name, files.map(systemName));
      if (another !== undefined) {
        throw failure('ConfigurationError', {
          what: `The system ${name} has two inventories: ${own.join(' and ')}.`,
          hint: 'Remove one of them; which is meant cannot be known.',
          retryable: false,
        });
      }
      const { system, problems: mistakes }: Parsed = await loadSystemFile(file);
      if (!system)
        throw broken(
          `The inventory of ${name} cannot be used: ${count(mistakes.length)}.`,
          mistakes,
          fileHint,
        );
      return { system, digest: sha256(JSON.stringify(system)) };
    },

    async digest({ lines }) {
      return sha256(canonical(lines));
    },
  };
}

/**
 * Each line ended by a line feed, so that `sha256sum` over the lines as shown gives the same. A line feed or backslash
 * inside a line is written as \n or \\: two different plans never have the same text.
 */
export function canonical(lines: readonly string[]): string {
  return lines.map((line) => `${line.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n`).join('');
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function systemName(file: string): string {
  return basename(file).replace(/\.ya?ml$/, '');
}

function unknownSystem(name: string, known: readonly string[]): Error {
  const shown = JSON.stringify(name.slice(0, 80));
  const { hint } = didYouMean(name, known);
  const list =
    known.length > 0 ? `Known systems: ${[...new Set(known)].join(', ')}.` : 'There are no inventories yet.';
  return failure('InvalidInput', {
    what: `There is no system ${shown}.`,
    hint: hint ? `${hint} ${list}` : list,
    retryable: false,
  });
}

const fileHint = 'Correct the file and start the runbook again. Nothing was touched.';
const directoryHint = 'Start the worker with the directory that holds the inventories. Nothing was touched.';

function broken(what: string, problems: readonly Problem[], hint: string): Error {
  const told = problems.slice(0, problemsTold).map(formatProblem);
  const more = problems.length - told.length;
  return failure('ConfigurationError', {
    what: [what, ...told, ...(more > 0 ? [`and ${more} more`] : [])].join('\n'),
    hint,
    retryable: false,
  });
}

function count(problems: number): string {
  return problems === 1 ? 'one problem' : `${problems} problems`;
}
