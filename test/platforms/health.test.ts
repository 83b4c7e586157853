import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

import type { Store } from '../../src/inventory/schema/store.ts';
import { freePort, startPostgres, startRedis, temporaryDirectory, waitUntil } from '../support/servers.ts';
import { alive, call, inContext, node, pidIn, serverProgram, serviceRequest } from './support.ts';

const { awaitHealthy, checkService, startService } = inContext();

async function webService(http: Record<string, unknown>, at = '/') {
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;
  const request = await serviceRequest({
    command: [node, '-e', serverProgram, String(port)],
    spec: { health: { http: { url: `${base}${at}`, ...http } } },
  });
  return { request, base, port };
}

async function runningWeb(http: Record<string, unknown>, at = '/') {
  const web = await webService({ status: 200 });
  await startService(web.request, call);
  await awaitHealthy(web.request);
  const health = { http: { status: 200, url: `${web.base}${at}`, ...http } };
  return { ...web.request, spec: { ...web.request.spec, health } };
}

test('over HTTP: status, text and time of the answer are looked at, and a redirect is not followed', async () => {
  const well = await runningWeb({});
  const ask = async (at: string, http: Record<string, unknown> = {}) => {
    const { url } = (well.spec.health as { http: { url: string } }).http;
    const health = { http: { status: 200, ...http, url: new URL(at, url).href } };
    return await checkService({ ...well, spec: { ...well.spec, health } });
  };
  expect(await ask('/')).toMatchObject({ healthy: true, status: 'healthy', code: 200 });
  expect(await ask('/', { contains: 'open for' })).toMatchObject({ healthy: true });
  expect(await ask('/', { contains: 'ready' })).toMatchObject({ healthy: false, status: 'unhealthy' });
  expect(await ask('/', { status: 204 })).toMatchObject({ healthy: false, status: 'unhealthy', code: 200 });
  expect(await ask('/redirect')).toMatchObject({ healthy: false, code: 302 });
  expect(await ask('/slow', { slowAfter: '50ms' })).toMatchObject({
    healthy: true,
    status: 'slow',
    code: 200,
  });
  expect(await ask('/slow', { slowAfter: '1m' })).toMatchObject({ healthy: true, status: 'healthy' });
  // An answer without end.
  expect(await ask('/flood', { contains: 'never there' })).toMatchObject({
    healthy: false,
    status: 'unhealthy',
  });
});

test('a server that accepts and never answers is unreachable, not waited for', async () => {
  const server = createServer(() => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const request = await serviceRequest({
    command: ['true'],
    spec: { health: { http: { url: `http://127.0.0.1:${port}/` } } },
  });
  const health = await checkService(request);
  expect(health).toMatchObject({ healthy: false, status: 'unreachable' });
  expect(health.detail).toContain('no answer within');
});

test('nobody there is unreachable, by HTTP and by TCP; a listener is healthy by TCP', async () => {
  const port = await freePort();
  const ask = async (health: object) =>
    await checkService(await serviceRequest({ command: ['true'], spec: { health } }));
  const http = await ask({ http: { url: `http://127.0.0.1:${port}/` } });
  expect(http).toMatchObject({ healthy: false, status: 'unreachable' });
  expect(http.detail).toContain('connection refused');
  expect(await ask({ tcp: { host: '127.0.0.1', port } })).toMatchObject({
    healthy: false,
    status: 'unreachable',
  });
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  expect(await ask({ tcp: { host: '127.0.0.1', port } })).toMatchObject({ healthy: true });
});

test('by a command: its exit code is the answer, and what it said the detail', async () => {
  const ask = async (...command: string[]) =>
    await checkService(await serviceRequest({ command: ['true'], spec: { health: { command } } }));
  expect(await ask('true')).toMatchObject({ healthy: true });
  expect(await ask('sh', '-c', 'echo queue is full >&2; exit 1')).toMatchObject({
    healthy: false,
    status: 'unhealthy',
    detail: expect.stringContaining('queue is full') as string,
  });
  expect(await ask('no-such-program')).toMatchObject({ healthy: false });
});

const postgresStore = (
  facts: { host: string; port: number; user: string },
  more: Partial<Store> = {},
): Store =>
  ({
    type: 'postgres',
    service: 'db',
    database: 'postgres',
    maintenanceDatabase: 'postgres',
    validations: [],
    keepReplaced: '7d',
    restoreJobs: 1,
    ...facts,
    ...more,
  }) as Store;

test('PostgreSQL: healthy, wrong password, missing database, gone; the password is never shown', async () => {
  const server = await startPostgres({ directory: await temporaryDirectory(), password: 'open-sesame-4711' });
  onTestFinished(async () => await server.stop());
  process.env['TEST_HEALTH_RIGHT'] = server.password;
  process.env['TEST_HEALTH_WRONG'] = 'wrong-password-0815';
  const ask = async (more: Partial<Store>) => {
    const main = postgresStore({ host: server.host, port: server.port, user: server.user }, more);
    return await checkService(
      await serviceRequest({ command: ['true'], spec: { health: { postgres: 'main' } }, stores: { main } }),
    );
  };
  expect(await ask({ password: 'env:TEST_HEALTH_RIGHT' })).toMatchObject({
    healthy: true,
    status: 'healthy',
  });
  const wrong = await ask({ password: 'env:TEST_HEALTH_WRONG' });
  expect(wrong).toMatchObject({ healthy: false, status: 'unhealthy' });
  expect(wrong.detail).toContain('password authentication failed');
  expect(JSON.stringify(wrong)).not.toContain('0815');
  // A connection string as a database's name stays a name.
  const hostile = await ask({ password: 'env:TEST_HEALTH_RIGHT', database: 'missing' });
  expect(hostile.detail).toContain('database "missing" does not exist');
  const unset = await ask({ password: 'env:TEST_HEALTH_UNSET' });
  expect(unset).toMatchObject({
    healthy: false,
    detail: expect.stringContaining('env:TEST_HEALTH_UNSET') as string,
  });
  await server.stop();
  expect(await ask({ password: 'env:TEST_HEALTH_RIGHT' })).toMatchObject({
    healthy: false,
    status: 'unreachable',
  });
});

test('Redis: healthy, password wanted, still loading, gone', async () => {
  const server = await startRedis({
    directory: await temporaryDirectory(),
    password: 'red-secret-99',
    // Redis' own way to be slow: it sleeps a millisecond for each key it loads, and meanwhile answers -LOADING.
    config: { 'key-load-delay': '1000', 'loading-process-events-interval-bytes': '1024' },
  });
  onTestFinished(async () => await server.stop());
  process.env['TEST_HEALTH_REDIS'] = 'red-secret-99';
  const ask = async (password?: string) => {
    const main = {
      type: 'redis',
      service: 'cache',
      host: '127.0.0.1',
      port: server.port,
      dataDirectory: server.directory,
      keepReplaced: '7d',
      ...(password === undefined ? {} : { password }),
    } as Store;
    return await checkService(
      await serviceRequest({ command: ['true'], spec: { health: { redis: 'main' } }, stores: { main } }),
    );
  };
  expect(await ask('env:TEST_HEALTH_REDIS')).toMatchObject({ healthy: true, detail: 'PONG' });
  const locked = await ask();
  expect(locked).toMatchObject({ healthy: false, status: 'unhealthy' });
  expect(locked.detail).toContain('NOAUTH');

  await server.cli('eval', 'for i = 1, 4000 do redis.call("set", "key" .. i, i) end', '0');
  await server.cli('save');
  await server.kill();
  const starting = server.start();
  const answer = await waitUntil(async () => {
    const seen = await ask('env:TEST_HEALTH_REDIS');
    return seen.detail.includes('LOADING') && seen;
  });
  expect(answer).toMatchObject({ healthy: false, status: 'unhealthy' });
  await starting;
  await waitUntil(async () => (await ask('env:TEST_HEALTH_REDIS')).healthy, { what: 'Redis to have loaded' });

  await server.stop();
  expect(await ask('env:TEST_HEALTH_REDIS')).toMatchObject({ healthy: false, status: 'unreachable' });
});

test('waiting for health ends at once, with the log, when the service dies', async () => {
  const port = await freePort();
  const request = await serviceRequest({
    command: ['sh', '-c', 'sleep 1; echo "cannot open the database" >&2; exit 1'],
    spec: { startWithin: '1h', health: { tcp: { host: '127.0.0.1', port } } },
  });
  const { result } = await startService(request, call);
  const error = (await awaitHealthy(request).catch((thrown: unknown) => thrown)) as Error;
  expect(error).toMatchObject({ type: 'NotReady', nonRetryable: true });
  expect(error.message).toContain('cannot open the database');
  expect(alive(pidIn(result.identity))).toBe(false);
});

test('waiting for health ends after startWithin with what was seen last', async () => {
  const port = await freePort();
  const request = await serviceRequest({
    command: ['sh', '-c', 'echo "still warming up"; exec sleep 600'],
    spec: { startWithin: '2s', health: { tcp: { host: '127.0.0.1', port } } },
  });
  await startService(request, call);
  const error = (await awaitHealthy(request).catch((thrown: unknown) => thrown)) as Error;
  expect(error).toMatchObject({ type: 'NotReady' });
  expect(error.message).toContain('ECONNREFUSED');
  expect(error.message).toContain('still warming up');
});

test('a health check that somebody else answers does not make a dead service healthy', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const request = await serviceRequest({
    command: ['true'],
    spec: { health: { tcp: { host: '127.0.0.1', port } } },
  });
  await expect(awaitHealthy(request)).rejects.toThrow('Something else answers');
});

test('the log of a service may be anywhere that can be made', async () => {
  const directory = await temporaryDirectory();
  const request = await serviceRequest({
    command: ['sh', '-c', 'echo made; exec sleep 600'],
    platform: { logFile: path.join(directory, 'new', 'deeper', 'web.log') },
  });
  await expect(startService(request, call)).resolves.toMatchObject({ performed: true });
});
