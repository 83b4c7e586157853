/** What two Redis data sets are compared by: independent of order and of how Redis stores it, and nothing else. */
import fc from 'fast-check';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { RedisContents } from '../../src/activities/backups/manifest.ts';
import { compareContents, readContents } from '../../src/activities/stores/redis/contents.ts';
import { connectRedis, ReplyReader } from '../../src/activities/stores/redis/resp.ts';
import { type RedisServer, startRedis, temporaryDirectory } from '../support/servers.ts';
import { work } from './redis-support.ts';

let left: RedisServer;
let right: RedisServer;

beforeAll(async () => {
  const base = await temporaryDirectory();
  left = await startRedis({ directory: path.join(base, 'left') });
  // The same data is kept as tables here, where the other has packed lists.
  const config = {
    'hash-max-listpack-entries': '0',
    'zset-max-listpack-entries': '0',
    'set-max-intset-entries': '0',
    'list-max-listpack-size': '1',
    'stream-node-max-entries': '2',
  };
  right = await startRedis({ directory: path.join(base, 'right'), config });
});
afterAll(async () => {
  await left.stop();
  await right.stop();
});

async function contentsOf(server: RedisServer): Promise<RedisContents> {
  const client = await connectRedis({ target: { host: server.host, port: server.port } });
  try {
    return await readContents(client, '7', work('contents'));
  } finally {
    client.close();
  }
}

const data: string[][] = [
  ['SET', 'text', 'hello'],
  ['HSET', 'hash', 'a', '1', 'b', '2', 'c', '3'],
  ['SADD', 'numbers', '1', '2', '3', '4'],
  ['ZADD', 'scores', '1.5', 'x', '0.1', 'y', '-inf', 'z'],
  ['RPUSH', 'list', 'one', 'two', 'three'],
  ['XADD', 'stream', '5-1', 'k', 'v'],
  ['XADD', 'stream', '6-1', 'k', 'w'],
  ['SET', 'passing', 'x', 'PXAT', '4102444800000'],
];

async function same(): Promise<void> {
  for (const server of [left, right]) {
    await server.cli('FLUSHALL');
    const ordered = server === left ? data : [...data.filter(([, key]) => key !== 'stream')].reverse();
    for (const command of ordered) await server.cli(...command);
  }
  for (const command of data.filter(([, key]) => key === 'stream')) await right.cli(...command);
}

describe('contents', () => {
  it('are equal for the same data, however it came and however it is kept', async () => {
    await same();
    expect(await left.cli('OBJECT', 'ENCODING', 'hash')).not.toBe(
      await right.cli('OBJECT', 'ENCODING', 'hash'),
    );
    expect(await contentsOf(right)).toEqual(await contentsOf(left));
  });

  it.each([
    ['SET', 'text', 'hellO'],
    ['SET', 'Text', 'hello'],
    ['HSET', 'hash', 'a', '2'],
    ['HSET', 'hash', 'd', ''],
    ['SADD', 'numbers', '5'],
    ['ZADD', 'scores', '0.10000000000000002', 'y'],
    ['LSET', 'list', '0', 'two'],
    ['XADD', 'stream', '7-1', 'k', 'v'],
    ['XGROUP', 'CREATE', 'stream', 'group', '0'],
    ['PERSIST', 'passing'],
    ['PEXPIREAT', 'passing', '4102448400000'],
    ['SELECT', '1'],
  ])('differ after %s %s %s', async (...command) => {
    await same();
    await (command[0] === 'SELECT' ? right.cli('-n', '1', 'SET', 'one', 'more') : right.cli(...command));
    const [was, is] = [await contentsOf(left), await contentsOf(right)];
    const comparison = compareContents(was, is, Date.now());
    expect(comparison.equal).toBe(false);
    expect(comparison.differences.length).toBeGreaterThan(0);
    expect(compareContents(was, was, Date.now())).toMatchObject({ equal: true, differences: [] });
  });

  it('of swapped values differ: two keys cannot cancel one another', async () => {
    await same();
    for (const [server, a, b] of [
      [left, '1', '2'],
      [right, '2', '1'],
    ] as const) {
      await server.cli('MSET', 'a', a, 'b', b);
    }
    expect((await contentsOf(right)).databases[0]?.lasting.digest).not.toBe(
      (await contentsOf(left)).databases[0]?.lasting.digest,
    );
  });
});

describe('keys that expire', () => {
  const hour = 500_000;
  const now = hour * 3_600_000 + 1;
  const set = (groups: [number, number, string][]): RedisContents => ({
    type: 'redis',
    serverVersion: '7',
    databases: [
      {
        index: 0,
        lasting: { keys: 0, digest: '' },
        expiring: groups.map(([at, keys, digest]) => ({ hour: at, keys, digest })),
      },
    ],
  });

  it('may be gone in the hours that have begun, and must be equal in those to come', () => {
    const was = set([
      [hour - 1, 5, 'a'],
      [hour, 5, 'b'],
      [hour + 1, 5, 'c'],
    ]);
    expect(compareContents(was, set([[hour + 1, 5, 'c']]), now).equal).toBe(true);
    expect(
      compareContents(
        was,
        set([
          [hour, 3, 'x'],
          [hour + 1, 5, 'c'],
        ]),
        now,
      ).equal,
    ).toBe(true);
    expect(compareContents(was, set([[hour + 1, 4, 'd']]), now).equal).toBe(false);
    expect(compareContents(was, set([[hour + 1, 5, 'd']]), now).equal).toBe(false);
    expect(compareContents(was, set([]), now).equal).toBe(false);
    expect(
      compareContents(
        was,
        set([
          [hour, 6, 'x'],
          [hour + 1, 5, 'c'],
        ]),
        now,
      ).equal,
    ).toBe(false);
  });

  it('tells at most twenty differences', () => {
    const many = set(Array.from({ length: 60 }, (_, index) => [hour + 1 + index, 1, 'a']));
    const { differences } = compareContents(many, set([]), now);
    expect(differences).toHaveLength(20);
    expect(differences.at(-1)).toMatch(/41 more/);
  });
});

describe('the protocol', () => {
  it('is read the same in whatever pieces it comes', () => {
    const bytes = Buffer.from('*4\r\n$5\r\na\r\nbc\r\n:-7\r\n*2\r\n$-1\r\n+OK\r\n-ERR no\r\n');
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 10 }), { minLength: 60, maxLength: 60 }), (sizes) => {
        const reader = new ReplyReader();
        let at = 0;
        for (const size of sizes) {
          if (at >= bytes.length) break;
          const reply = reader.push(bytes.subarray(at, at + size));
          at += size;
          expect(reply !== undefined).toBe(at >= bytes.length);
          if (reply === undefined) continue;
          expect(reply).toMatchObject([
            Buffer.from('a\r\nbc'),
            -7,
            [null, Buffer.from('OK')],
            { message: 'ERR no' },
          ]);
        }
      }),
    );
  });

  it('refuses what is no Redis server', () => {
    expect(() => new ReplyReader().push(Buffer.from('HTTP/1.1 400\r\n'))).toThrow(/not a Redis server/);
  });
});
