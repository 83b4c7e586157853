import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

import { freePort, temporaryDirectory } from '../support/servers.ts';
import { call, inContext, node, processesOf, serverProgram, serviceRequest } from './support.ts';

const { awaitHealthy, preflight, startService } = inContext();

test('a service that can be started has no problems, running or not, and nothing is started', async () => {
  const port = await freePort();
  const request = await serviceRequest({
    command: [node, '-e', serverProgram, String(port)],
    spec: { health: { http: { url: `http://127.0.0.1:${port}/` } } },
  });
  expect(await preflight({ services: [request] })).toEqual({ ok: true, problems: [] });
  expect(processesOf(request)).toEqual([]);
  await startService(request, call);
  await awaitHealthy(request);
  // Its port is taken, by itself.
  expect(await preflight({ services: [request] })).toEqual({ ok: true, problems: [] });
});

test('a port held by somebody else is a problem that names the holder', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const request = await serviceRequest({
    command: ['true'],
    spec: { health: { tcp: { host: '127.0.0.1', port } } },
  });
  const { ok, problems } = await preflight({ services: [request] });
  expect(ok).toBe(false);
  expect(problems).toEqual([
    expect.stringContaining(`web: port ${port} on 127.0.0.1 is taken by pid ${process.pid} `),
  ]);
});

test('all that is missing is said at once', async () => {
  const directory = await temporaryDirectory();
  await writeFile(path.join(directory, 'file'), '');
  await mkdir(path.join(directory, 'log-is-a-directory'));
  const port = await freePort();
  const health = { tcp: { host: '127.0.0.1', port } };
  const program = await serviceRequest({ name: 'program', command: ['no-such-program'], spec: { health } });
  const place = await serviceRequest({
    name: 'place',
    command: ['true'],
    spec: { health },
    platform: {
      directory: path.join(directory, 'missing'),
      logFile: path.join(directory, 'file', 'web.log'),
      user: 'no-such-account',
    },
  });
  const storeless = await serviceRequest({
    name: 'storeless',
    command: ['true'],
    spec: { health: { redis: 'cache' } },
  });
  const { ok, problems } = await preflight({ services: [program, place, storeless] });
  expect(ok).toBe(false);
  const text = problems.join('\n');
  expect(text).toContain('program: there is no program no-such-program');
  expect(text).toContain('missing does not exist');
  expect(text).toContain('no account "no-such-account"');
  expect(text).toContain('storeless: the health check names cache');
  expect(text).toContain('is also where program is asked');
});
