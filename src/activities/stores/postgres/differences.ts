/** What differs between a backup's contents and a restored database, in sentences. Pure. */
import type { PostgresContents } from '../../backups/manifest.ts';
import type { Measured } from './measure.ts';
import type { Sequence } from './tables.ts';

export interface Found {
  tables: readonly Measured[];
  sequences: readonly Sequence[];
}

export function differences(contents: PostgresContents, found: Found): string[] {
  return [
    ...tableDifferences(contents.tables, found.tables),
    ...sequenceDifferences(contents.sequences, found.sequences),
  ];
}

function tableDifferences(expected: readonly Measured[], actual: readonly Measured[]): string[] {
  const restored = new Map(actual.map((table) => [keyOf(table), table]));
  const recorded = new Set(expected.map(keyOf));
  const missing = expected.flatMap((table) => {
    const copy = restored.get(keyOf(table));
    if (!copy) return [`Table ${titleOf(table)} is missing (${table.rows} rows).`];
    if (copy.rows !== table.rows)
      return [`Table ${titleOf(table)} has ${copy.rows} rows, and ${table.rows} were backed up.`];
    if (copy.hash !== table.hash)
      return [
        `Table ${titleOf(table)} has its ${table.rows} rows, but not with the values that were backed up.`,
      ];
    return [];
  });
  const extra = actual
    .filter((table) => !recorded.has(keyOf(table)))
    .map((table) => `Table ${titleOf(table)} was not backed up.`);
  return [...missing, ...extra];
}

/** pg_dump reads sequences after we did: a restored one may be further on, never behind. */
function sequenceDifferences(expected: PostgresContents['sequences'], actual: readonly Sequence[]): string[] {
  const restored = new Map(actual.map((sequence) => [keyOf(sequence), sequence]));
  return expected.flatMap((sequence) => {
    const copy = restored.get(keyOf(sequence));
    if (!copy) return [`Sequence ${titleOf(sequence)} is missing.`];
    if (sequence.lastValue === null || copy.cycles) return [];
    const [was, is] = [BigInt(sequence.lastValue), copy.lastValue === null ? null : BigInt(copy.lastValue)];
    const behind = is === null || (BigInt(copy.increment) > 0n ? is < was : is > was);
    return behind
      ? [
          `Sequence ${titleOf(sequence)} stands at ${copy.lastValue ?? 'its start'}, and ${sequence.lastValue} was backed up.`,
        ]
      : [];
  });
}

function keyOf({ schema, name }: { schema: string; name: string }): string {
  return JSON.stringify([schema, name]);
}

function titleOf({ schema, name }: { schema: string; name: string }): string {
  return `${schema}.${name}`;
}
