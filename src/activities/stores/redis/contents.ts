/** What a Redis data set holds, as counts and hashes per database; and whether two of them are the same. */
import { failure } from '../../failures.ts';
import type { RedisContents } from '../../backups/manifest.ts';
import type { Comparison, Work } from '../contract.ts';
import { digestScript } from './digest-script.ts';
import { asArray, asText, type RespClient, RespError } from './resp.ts';

type Database = RedisContents['databases'][number];

const hourMs = 3_600_000;
const keysPerLook = 1000;
const laneBits = 128n;

/** Adds up hashes, so that the order in which keys are met does not matter. Keys are unique: none can cancel another. */
class Tally {
  keys = 0;
  #sum = 0n;

  add(hash: string): void {
    this.keys += 1;
    this.#sum = BigInt.asUintN(Number(laneBits), this.#sum + BigInt(`0x${hash}`));
  }

  get digest(): string {
    return this.#sum.toString(16).padStart(Number(laneBits) / 4, '0');
  }
}

/**
 * Reads everything a scratch server holds. Never ask this of a live server: it blocks while it reads.
 * @param client a scratch server of our own, done loading
 * @param serverVersion of the server that wrote the data
 */
export async function readContents(
  client: RespClient,
  serverVersion: string,
  work: Work,
): Promise<RedisContents> {
  const databases: Database[] = [];
  let read = 0;
  for (const { index, keys } of await databasesOf(client)) {
    await client.ask('SELECT', String(index));
    const onKeys = (more: number) => {
      read += more;
      work.progress({ note: `reading database ${index} (${keys} keys)`, done: read, unit: 'items' });
    };
    // SCAN may show a key twice, when keys that expired make the table shrink. If the numbers agree it did not.
    const before = await client.ask('DBSIZE');
    const quick = await scan(client, onKeys, undefined);
    const agrees = quick.keys === before && before === (await client.ask('DBSIZE'));
    const { lasting, expiring } = agrees ? quick : await scan(client, onKeys, new Set());
    databases.push({
      index,
      lasting: { keys: lasting.keys, digest: lasting.digest },
      expiring: [...expiring]
        .sort(([a], [b]) => a - b)
        .map(([hour, tally]) => ({ hour, keys: tally.keys, digest: tally.digest })),
    });
  }
  return { type: 'redis', serverVersion, databases };
}

/** One pass over the selected database; with `seen`, each key counts once however often SCAN shows it. */
async function scan(client: RespClient, onKeys: (more: number) => void, seen: Set<string> | undefined) {
  const lasting = new Tally();
  const expiring = new Map<number, Tally>();
  let keys = 0;
  let cursor = '0';
  do {
    const [next, ...pairs] = await look(client, cursor);
    cursor = asText(next);
    for (let at = 0; at < pairs.length; at += 2) {
      const hash = asText(pairs[at + 1]);
      if (seen?.has(hash)) continue;
      seen?.add(hash);
      keys += 1;
      tallyFor(Number(pairs[at]), lasting, expiring).add(hash);
    }
    onKeys(pairs.length / 2);
  } while (cursor !== '0');
  return { keys, lasting, expiring };
}

function tallyFor(expiry: number, lasting: Tally, expiring: Map<number, Tally>): Tally {
  if (expiry < 0) return lasting;
  const hour = Math.floor(expiry / hourMs);
  const known = expiring.get(hour) ?? new Tally();
  expiring.set(hour, known);
  return known;
}

async function look(client: RespClient, cursor: string) {
  try {
    return asArray(await client.ask('EVAL', digestScript, '0', cursor, String(keysPerLook)));
  } catch (error) {
    const type = error instanceof RespError ? /UNKNOWNTYPE (\S+)/.exec(error.message)?.[1] : undefined;
    if (type === undefined) throw error;
    throw failure('Unsupported', {
      what: `Redis holds a key of the type ${type}, which belongs to a module: its contents cannot be compared.`,
      hint: 'Back this store up with the means of that module.',
      retryable: false,
    });
  }
}

/** The databases that hold a key, from INFO keyspace: `db0:keys=3,expires=1,avg_ttl=…`. */
export async function databasesOf(client: RespClient): Promise<{ index: number; keys: number }[]> {
  const info = await client.text('INFO', 'keyspace');
  return [...info.matchAll(/^db(\d+):keys=(\d+)/gm)].map(([, index, keys]) => ({
    index: Number(index),
    keys: Number(keys),
  }));
}

/** How many keys a data set holds, those that expire included. */
export function countKeys(contents: RedisContents): number {
  return contents.databases.reduce(
    (sum, { lasting, expiring }) => sum + lasting.keys + expiring.reduce((keys, hour) => keys + hour.keys, 0),
    0,
  );
}

const empty: Omit<Database, 'index'> = { lasting: { keys: 0, digest: '' }, expiring: [] };

/**
 * Compares what was backed up with what was restored. Keys that expire in an hour that has begun may be gone; those of the
 * hours to come, and those without expiry, must all be there and equal.
 * @param now epoch milliseconds, when the restored data was read
 */
export function compareContents(expected: RedisContents, found: RedisContents, now: number): Comparison {
  const differences: string[] = [];
  const indexes = [...new Set([...expected.databases, ...found.databases].map(({ index }) => index))].sort(
    (a, b) => a - b,
  );
  const currentHour = Math.floor(now / hourMs);
  for (const index of indexes) {
    const was = expected.databases.find((database) => database.index === index) ?? { index, ...empty };
    const is = found.databases.find((database) => database.index === index) ?? { index, ...empty };
    const difference = describe(was.lasting, is.lasting);
    if (difference) differences.push(`Database ${index}, keys without expiry: ${difference}.`);
    differences.push(...compareHours(was, is, currentHour));
  }
  return {
    equal: differences.length === 0,
    compared: indexes.length,
    unit: 'databases',
    rows: String(countKeys(found)),
    differences:
      differences.length <= 20
        ? differences
        : [...differences.slice(0, 19), `And ${differences.length - 19} more differences.`],
    validations: [],
  };
}

function compareHours(was: Database, is: Database, currentHour: number): string[] {
  const hours = [...new Set([...was.expiring, ...is.expiring].map(({ hour }) => hour))].sort((a, b) => a - b);
  return hours.flatMap((hour) => {
    const before = was.expiring.find((group) => group.hour === hour);
    const after = is.expiring.find((group) => group.hour === hour);
    const when = new Date(hour * hourMs).toISOString().slice(0, 16);
    const where = `Database ${was.index}, keys that expire in the hour from ${when}Z`;
    if (hour > currentHour) {
      const difference = describe(before, after);
      return difference ? [`${where}: ${difference}.`] : [];
    }
    // Part of them may have gone since; but none can have come.
    if ((after?.keys ?? 0) > (before?.keys ?? 0)) {
      return [`${where}: ${after?.keys ?? 0} found, only ${before?.keys ?? 0} backed up.`];
    }
    return [];
  });
}

type Group = { keys: number; digest: string } | undefined;

function describe(was: Group, is: Group): string | undefined {
  const [before, after] = [was?.keys ?? 0, is?.keys ?? 0];
  if (before !== after) return `${after} found, ${before} backed up`;
  if (before > 0 && was?.digest !== is?.digest) return `as many (${before}), but with other contents`;
  return undefined;
}
