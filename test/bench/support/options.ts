/** The command line of `npm run bench`. */
import { parseArgs } from 'node:util';

export interface Options {
  /** One JSON object a line, instead of a table. */
  json: boolean;
  /** Ids of benchmarks; empty: all. */
  only: string[];
  /** Bytes of the database that is backed up and restored. */
  bytes: number;
  /** More repetitions where they are many, and the largest database for the figure of memory. */
  full: boolean;
  writeDocs: boolean;
}

export const usage = `usage: npm run bench -- [--json] [--only ID]... [--size 2g] [--full] [--write-docs]

  --json        one JSON object a line, with every raw figure
  --only ID     only this benchmark; may be given several times
  --size SIZE   of the database that is backed up and restored, such as 200m or 5g (default 2200m, which makes 2 GB)
  --full        20 kills instead of 8, and memory up to a database of 5 GB
  --write-docs  write the figures to docs/benchmarks.md`;

const units = { m: 1e6, g: 1e9 } as const;

/** Throws an Error that says what is wrong. */
export function parseOptions(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      json: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [] },
      size: { type: 'string', default: '2200m' },
      full: { type: 'boolean', default: false },
      'write-docs': { type: 'boolean', default: false },
    },
  });
  const [, number, unit] = /^(\d+(?:\.\d+)?)([mg])b?$/i.exec(values.size) ?? [];
  if (number === undefined || unit === undefined)
    throw new Error(`--size ${values.size} is not a size such as 200m or 2g`);
  return {
    json: values.json,
    only: values.only,
    bytes: Number(number) * units[unit.toLowerCase() as keyof typeof units],
    full: values.full,
    writeDocs: values['write-docs'],
  };
}
