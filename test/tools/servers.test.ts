import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';

import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { Client, Connection } from '@temporalio/client';
import { describe, expect, test } from 'vitest';

import { isSameProcess, processStartTime } from '../../tools/lib/processes.ts';
import {
  psql,
  sharedDatabase,
  sharedServers,
  startPostgres,
  startRedis,
  startSlackReceiver,
  startTemporalDevServer,
  startTimeSkipping,
  startVersitygw,
  temporaryDirectory,
} from '../support/servers.ts';

/** The processes of this machine whose command line names `text`: what a server left behind would be found by. */
async function processesNaming(text: string): Promise<string[]> {
  const found: string[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (commandLine.includes(text)) found.push(`${pid}: ${commandLine.replaceAll('\0', ' ')}`);
  }
  return found;
}

describe('PostgreSQL', () => {
  test('answers, keeps committed rows over kill -9, and leaves no process behind', async () => {
    const directory = await temporaryDirectory();
    const server = await startPostgres({ directory });
    await server.psql('create table kept (n int); insert into kept select generate_series(1, 1000)');
    const pid = server.pid;
    const startTime = processStartTime(pid);

    await server.kill();
    expect(isSameProcess(pid, startTime)).toBe(false);
    await server.start();
    expect(await server.psql('select count(*), sum(n) from kept')).toEqual([
      { count: '1000', sum: '500500' },
    ]);
    expect(await readFile(server.logFile, 'utf8')).toContain('was not properly shut down');

    await server.stop();
    expect(await processesNaming(directory)).toEqual([]);
    expect(await readFile(server.logFile, 'utf8')).toContain('database system is shut down');
  });

  test('asks for the password over TCP, and has checksums', async () => {
    const server = await startPostgres({ directory: await temporaryDirectory() });
    try {
      expect(await psql(server.connection(), 'show data_checksums')).toEqual([{ data_checksums: 'on' }]);
      await expect(psql({ ...server.connection(), password: 'wrong' }, 'select 1')).rejects.toThrow(
        'password authentication failed',
      );
    } finally {
      await server.stop();
    }
  });

  test('starts an existing cluster again, with its password', async () => {
    const directory = await temporaryDirectory();
    const first = await startPostgres({ directory });
    await first.psql("create database shop; comment on database shop is 'the shop'");
    await first.stop();
    const second = await startPostgres({ directory });
    try {
      expect(await psql(second.connection('shop'), 'select current_database() as name')).toEqual([
        { name: 'shop' },
      ]);
    } finally {
      await second.stop();
    }
  });

  test('says what its log says when it cannot start', async () => {
    const directory = await temporaryDirectory();
    await expect(startPostgres({ directory, settings: { shared_buffers: 'plenty' } })).rejects.toThrow(
      /invalid value for parameter "shared_buffers"/,
    );
    expect(await processesNaming(directory)).toEqual([]);
  });

  test('returns NULL, quotes, commas and newlines as they are', async () => {
    const server = sharedDatabase();
    expect(
      await psql(
        server,
        `select null as "a", '' as "b", 'x,"y"' as "c", E'1\\n2' as "d" union all select 'p','q','r','s'`,
      ),
    ).toEqual([
      { a: null, b: '', c: 'x,"y"', d: '1\n2' },
      { a: 'p', b: 'q', c: 'r', d: 's' },
    ]);
    await expect(psql(server, 'select 1; select 1/0; select 2')).rejects.toThrow('division by zero');
  });
});

describe('Redis', () => {
  test('answers, loses what was not saved on kill -9, keeps it with an append-only file', async () => {
    for (const appendonly of [false, true]) {
      const directory = await temporaryDirectory();
      const server = await startRedis({ directory, appendonly, config: { appendfsync: 'always' } });
      await server.cli('set', 'key', 'value');
      expect(await server.cli('get', 'key')).toBe('value');
      await server.kill();
      await server.start();
      expect(await server.cli('get', 'key')).toBe(appendonly ? 'value' : '');
      await server.stop();
      expect(await processesNaming(`:${server.port}`)).toEqual([]);
    }
  });

  test('is closed without the password', async () => {
    const server = await startRedis({ directory: await temporaryDirectory(), password: 'secret' });
    try {
      expect(await server.cli('ping')).toBe('PONG');
      const stranger = await startRedis({ directory: await temporaryDirectory() });
      await stranger.stop();
      await expect(stranger.cli('-p', String(server.port), 'get', 'key')).rejects.toThrow('NOAUTH');
    } finally {
      await server.stop();
    }
  });
});

describe('versitygw', () => {
  test('keeps objects over kill -9, and refuses other keys', async () => {
    const directory = await temporaryDirectory();
    const server = await startVersitygw({ directory });
    const { endpoint, region, accessKeyId, secretAccessKey } = server;
    const s3 = (secret: string) =>
      new S3Client({
        endpoint,
        region,
        forcePathStyle: true,
        maxAttempts: 1,
        credentials: { accessKeyId, secretAccessKey: secret },
      });
    await s3(secretAccessKey).send(new CreateBucketCommand({ Bucket: 'bucket' }));
    await s3(secretAccessKey).send(new PutObjectCommand({ Bucket: 'bucket', Key: 'a/b', Body: 'bytes' }));
    await server.kill();
    await server.start();
    const object = await s3(secretAccessKey).send(new GetObjectCommand({ Bucket: 'bucket', Key: 'a/b' }));
    expect(await object.Body?.transformToString()).toBe('bytes');
    expect(await readFile(path.join(server.dataDirectory, 'bucket', 'a', 'b'), 'utf8')).toBe('bytes');
    await expect(s3('wrong').send(new GetObjectCommand({ Bucket: 'bucket', Key: 'a/b' }))).rejects.toThrow(
      /signature/i,
    );
    await server.stop();
    expect(await processesNaming(directory)).toEqual([]);
  });
});

describe('Temporal', () => {
  test('dev server: a run survives kill -9 with a database file, and nothing is left running', async () => {
    const directory = await temporaryDirectory();
    const server = await startTemporalDevServer({
      directory,
      dbFile: path.join(directory, 'temporal.db'),
      ui: true,
    });
    const connection = await Connection.connect({ address: server.address });
    await new Client({ connection }).workflow.start('waits', { taskQueue: 'nobody', workflowId: 'survivor' });
    await connection.close();
    await server.restart();

    const again = await Connection.connect({ address: server.address });
    const description = await new Client({ connection: again }).workflow.getHandle('survivor').describe();
    expect(description.status.name).toBe('RUNNING');
    expect((await fetch(server.uiUrl ?? '')).status).toBe(200);
    await again.close();
    await server.stop();
    expect(await processesNaming(directory)).toEqual([]);
    expect(await processesNaming(`--port\0${server.address.split(':')[1]}`)).toEqual([]);
  });

  test('dev server, shared: knows the search attributes', async () => {
    const connection = await Connection.connect({ address: sharedServers().temporal.address });
    const { customAttributes } = await connection.operatorService.listSearchAttributes({
      namespace: 'default',
    });
    expect(Object.keys(customAttributes)).toEqual(
      expect.arrayContaining([
        'RunbookSystem',
        'RunbookName',
        'RunbookPhase',
        'RunbookSeverity',
        'RunbookStep',
      ]),
    );
    await connection.close();
  });

  test('time skipping: 72 hours pass while we look, and nothing is left running', async () => {
    const environment = await startTimeSkipping();
    const before = await environment.currentTimeMs();
    await environment.sleep('72h');
    expect((await environment.currentTimeMs()) - before).toBeGreaterThanOrEqual(72 * 3_600_000);
    const port = environment.address.split(':')[1] ?? '';
    expect(await processesNaming(`TestServer\0${port}`)).toHaveLength(1);
    await environment.teardown();
    expect(await processesNaming(`TestServer\0${port}`)).toEqual([]);
  });
});

describe('Slack receiver', () => {
  test('records what is posted, answers as Slack does, fails when told', async () => {
    const slack = await startSlackReceiver();
    const post = async (body: string) =>
      (await fetch(slack.url, { method: 'POST', body, headers: { 'x-test': 'yes' } })).status;
    slack.failNext(1);
    expect(await post('{"text":"first"}')).toBe(503);
    expect(await post('{"text":"second"}')).toBe(200);
    expect(await post('no json')).toBe(400);
    expect(slack.texts()).toEqual(['first', 'second', '']);
    expect(slack.posts[1]).toMatchObject({ body: '{"text":"second"}', headers: { 'x-test': 'yes' } });
    await slack.stop();
    await expect(post('{}')).rejects.toThrow();
  });
});
