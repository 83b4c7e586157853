import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

import type { ServiceRequest } from '../../src/activities/platforms/contract.ts';
import { freePort, startPostgres, temporaryDirectory, waitUntil } from '../support/servers.ts';
import {
  alive,
  call,
  inContext,
  node,
  pidIn,
  planning,
  processesOf,
  quietEnvironment,
  serverProgram,
  serviceRequest,
} from './support.ts';

const { serviceState, startService, stopService } = inContext();
const forever = [node, '-e', 'setInterval(() => {}, 1000)'];

const recordOf = (request: ServiceRequest) =>
  path.join(request.stateDirectory, 'services', `${request.service}.json`);

test('a service is started once, seen running, stopped once, and then not there', async () => {
  const request = await serviceRequest({ command: forever });
  expect(await serviceState(request)).toMatchObject({ running: false });

  const first = await startService(request, call);
  expect(first).toMatchObject({ performed: true, result: { running: true } });
  const second = await startService(request, call);
  expect(second).toMatchObject({
    performed: false,
    result: { running: true, identity: first.result.identity },
  });
  expect(processesOf(request)).toEqual([pidIn(first.result.identity)]);

  expect(await stopService(request, call)).toMatchObject({ performed: true, result: { running: false } });
  expect(processesOf(request)).toEqual([]);
  expect(await stopService(request, call)).toMatchObject({ performed: false, result: { running: false } });
  expect(await serviceState(request)).toEqual({ running: false, detail: 'not running' });
});

test('starts at the same moment make one process', async () => {
  const request = await serviceRequest({ command: forever });
  const started = await Promise.all(
    [1, 2, 3, 4].map(async () => await inContext().startService(request, call)),
  );
  expect(new Set(started.map(({ result }) => result.identity)).size).toBe(1);
  expect(processesOf(request)).toHaveLength(1);
});

test('the lock of a worker that died in the middle of a start keeps nobody away', async () => {
  const request = await serviceRequest({ command: forever });
  const dead = spawn('true');
  const { pid } = dead;
  await once(dead, 'exit');
  const lock = path.join(request.stateDirectory, 'services', `${request.service}.lock`);
  await mkdir(path.dirname(lock), { recursive: true });
  await symlink(`${pid} 12345 another-boot`, lock);
  expect(await startService(request, call)).toMatchObject({ performed: true });
  const left = await readdir(path.dirname(lock));
  expect(left.filter((name) => name.includes('.lock'))).toEqual([]);
});

test('a plan says the command and starts nothing', async () => {
  const request = await serviceRequest({
    command: [...forever, 'two words'],
    platform: { environment: { TOKEN: 'abc123' } },
  });
  const plan = await startService(request, planning);
  expect(plan.performed).toBe(false);
  expect(plan.commands.join('\n')).toContain("'two words'");
  expect(plan.commands.join('\n')).not.toContain('abc123');
  expect(processesOf(request)).toEqual([]);
});

test('a worker killed between starting and recording: the process is found by its mark, and not started again', async () => {
  const request = await serviceRequest({ command: forever });
  const { result } = await startService(request, call);
  await rename(recordOf(request), `${recordOf(request)}.partial`);
  expect((await serviceState(request)).identity).toBe(result.identity);
  expect((await startService(request, planning)).commands.join()).toMatch(/^# write down that pid \d+/);
  expect(await startService(request, call)).toMatchObject({ result: { identity: result.identity } });
  expect(processesOf(request)).toHaveLength(1);
  // Written down now: it need not be looked for again.
  expect(JSON.parse(await readFile(recordOf(request), 'utf8'))).toMatchObject({ version: 1 });
  const left = await readdir(path.dirname(recordOf(request)));
  expect(left.filter((name) => name.endsWith('.partial'))).toEqual([]);
  expect(await startService(request, call)).toMatchObject({ performed: false });
  await stopService(request, call);
  expect(processesOf(request)).toEqual([]);
});

test('a program that overwrites its environment, as Redis does, is found by the mark it holds open', async () => {
  const port = await freePort();
  const request = await serviceRequest({
    command: ['redis-server', '--port', String(port), '--bind', '127.0.0.1', '--save', ''],
    spec: { health: { tcp: { host: '127.0.0.1', port } } },
  });
  const { result } = await startService(request, call);
  await inContext().awaitHealthy(request);
  await rm(recordOf(request));
  expect(await serviceState(request)).toMatchObject({ running: true, identity: result.identity });
  await stopService(request, call);
  expect(alive(pidIn(result.identity))).toBe(false);
});

test('a pid that belongs to another process by now is not our service, and is left alone', async () => {
  const request = await serviceRequest({ command: forever });
  const { result } = await startService(request, call);
  const own = pidIn(result.identity);
  process.kill(own, 'SIGKILL');
  await waitUntil(() => !alive(own));

  const stranger = spawn('sleep', ['600'], { detached: true });
  onTestFinished(() => void stranger.kill('SIGKILL'));
  const record = JSON.parse(await readFile(recordOf(request), 'utf8')) as object;
  await writeFile(recordOf(request), JSON.stringify({ ...record, pid: stranger.pid }));
  expect((await serviceState(request)).running).toBe(false);
  await stopService(request, call);
  expect(alive(stranger.pid!)).toBe(true);
});

test('whoever stops a service and dies before writing that down: asked again, it is stopped, and not called dead', async () => {
  const request = await serviceRequest({ command: forever });
  const { result } = await startService(request, call);
  process.kill(pidIn(result.identity), 'SIGKILL');
  await waitUntil(() => !alive(pidIn(result.identity)));
  expect((await serviceState(request)).detail).toMatch(/has ended without being stopped/);
  expect((await stopService(request, planning)).commands).toEqual(['# write down that web is stopped']);
  expect(await stopService(request, call)).toMatchObject({ performed: true });
  expect(await serviceState(request)).toMatchObject({ running: false, detail: 'not running' });
  expect(await stopService(request, call)).toMatchObject({ performed: false });
});

test('a record of another boot is not believed', async () => {
  const request = await serviceRequest({ command: forever });
  await startService(request, call);
  const record = JSON.parse(await readFile(recordOf(request), 'utf8')) as { pid: number };
  process.kill(record.pid, 'SIGKILL');
  await waitUntil(() => !alive(record.pid));
  await writeFile(recordOf(request), JSON.stringify({ ...record, pid: process.pid, bootId: 'another' }));
  expect((await serviceState(request)).running).toBe(false);
});

test('two processes that bear the mark without a record: nothing is done, and both are named', async () => {
  const request = await serviceRequest({ command: forever });
  const { result } = await startService(request, call);
  await rm(recordOf(request));
  const mark = `${request.stateDirectory}#${request.service}`;
  const other = spawn('sleep', ['600'], {
    detached: true,
    env: { ...process.env, DURABLE_RUNBOOKS_SERVICE: mark },
  });
  // In a world where both started alone: neither descends from the other.
  for (const attempt of [startService(request, call), stopService(request, call)]) {
    await expect(attempt).rejects.toMatchObject({ type: 'NotOurs', nonRetryable: true });
  }
  await expect(serviceState(request)).rejects.toThrow(String(other.pid));
  expect(alive(pidIn(result.identity)) && alive(other.pid!)).toBe(true);
});

test('a service outlives the worker that started it, even one that is killed', async () => {
  const request = await serviceRequest({ command: forever });
  const platforms = path.resolve(import.meta.dirname, '../../src/activities/platforms/index.ts');
  const program = `
    import { MockActivityEnvironment } from '@temporalio/testing';
    import { createPlatformActivities } from ${JSON.stringify(platforms)};
    const done = await new MockActivityEnvironment().run(createPlatformActivities().startService, ${JSON.stringify(request)}, ${JSON.stringify(call)});
    console.log(done.result.identity);
    setInterval(() => {}, 1000);
  `;
  const cwd = path.resolve(import.meta.dirname, '../..');
  const worker = spawn(node, ['--input-type=module', '-e', program], {
    cwd,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [identity] = (await once(worker.stdout, 'data')) as [Buffer];
  worker.kill('SIGKILL');
  await once(worker, 'exit');
  expect((await serviceState(request)).identity).toBe(identity.toString().trim());
  expect(await startService(request, call)).toMatchObject({ performed: false });
});

test('a program that ends at once is reported with what it said, and only what it said now', async () => {
  const directory = await temporaryDirectory();
  await writeFile(path.join(directory, 'web.log'), 'an old and misleading line\n');
  const request = await serviceRequest({
    directory,
    command: ['sh', '-c', 'echo "port 80: permission denied" >&2; exit 3'],
  });
  const error = (await startService(request, call).catch((thrown: unknown) => thrown)) as Error;
  expect(error).toMatchObject({ type: 'CommandFailed' });
  expect(error.message).toContain('exit code 3');
  expect(error.message).toContain('port 80: permission denied');
  expect(error.message).not.toContain('misleading');
  expect((await serviceState(request)).running).toBe(false);
});

test('a service that cannot be started says why', async () => {
  const request = await serviceRequest({ command: ['no-such-program'] });
  await expect(startService(request, call)).rejects.toMatchObject({
    type: 'ConfigurationError',
    nonRetryable: true,
  });
});

test('the state of a service that died shows the end of its log', async () => {
  const request = await serviceRequest({ command: ['sh', '-c', 'sleep 1; echo out of memory; exit 9'] });
  const { result } = await startService(request, call);
  await waitUntil(() => !alive(pidIn(result.identity)));
  const state = await serviceState(request);
  expect(state.running).toBe(false);
  expect(state.detail).toContain('out of memory');
});

test('stopping an application ends all of its session, by force at the end of its time', async () => {
  const file = path.join(await temporaryDirectory(), 'pids');
  const deaf = `trap '' TERM; sh -c "trap '' TERM; while true; do sleep 1; done" & echo "$$ $!" > "$1"; while true; do sleep 1; done`;
  const request = await serviceRequest({
    command: ['sh', '-c', deaf, 'sh', file],
    spec: { stopWithin: '1s' },
  });
  await startService(request, call);
  const pids = (await waitUntil(async () => (await readFile(file, 'utf8')).trim())).split(' ').map(Number);
  expect(pids.every(alive)).toBe(true);
  expect(await stopService(request, call)).toMatchObject({ performed: true, result: { running: false } });
  expect(pids.some(alive)).toBe(false);
});

test('what a killed wrapper left behind is shown, keeps a second start away, and is ended by a stop', async () => {
  const request = await serviceRequest({ command: ['sh', '-c', 'sleep 600; true'] });
  const { result } = await startService(request, call);
  const wrapper = pidIn(result.identity);
  await waitUntil(() => processesOf(request).length === 2);
  process.kill(wrapper, 'SIGKILL');
  await waitUntil(() => !alive(wrapper));
  const [left] = processesOf(request);
  expect((await serviceState(request)).detail).toContain(`still runs: pid ${left}`);
  await expect(startService(request, call)).rejects.toMatchObject({ type: 'NotReady', nonRetryable: true });
  await stopService(request, call);
  expect(processesOf(request)).toEqual([]);
  expect(await startService(request, call)).toMatchObject({ performed: true });
});

test('a database that does not stop in its time is never forced', async () => {
  const request = await serviceRequest({
    command: [
      node,
      '-e',
      `process.on('SIGINT', () => console.log('waiting for clients')); setInterval(() => {}, 1000)`,
    ],
    spec: { role: 'database', stopWithin: '1s' },
    platform: { stopSignal: 'SIGINT' },
  });
  const { result } = await startService(request, call);
  // Long enough for the program to have set its handler.
  await waitUntil(async () => (await serviceState(request)).running);
  await new Promise((resolve) => setTimeout(resolve, 500));
  const error = (await stopService(request, call).catch((thrown: unknown) => thrown)) as Error;
  expect(error).toMatchObject({ type: 'NotReady', nonRetryable: true });
  expect(error.message).toContain('waiting for clients');
  expect(error.message).toContain('not forced');
  expect(alive(pidIn(result.identity))).toBe(true);
});

test('a stop is cancelled while it waits, with heartbeats meanwhile', async () => {
  const environment = quietEnvironment();
  const notes: string[] = [];
  environment.on('heartbeat', (progress?: { note: string }) => {
    if (progress?.note.startsWith('waiting') !== true) return;
    notes.push(progress.note);
    environment.cancel();
  });
  const request = await serviceRequest({
    command: ['sh', '-c', `trap '' TERM; while true; do sleep 1; done`],
    spec: { stopWithin: '60s' },
  });
  const { result } = await startService(request, call);
  await expect(inContext(environment).stopService(request, call)).rejects.toMatchObject({
    name: 'CancelledFailure',
  });
  expect(notes[0]).toContain(`waiting for web (pid ${pidIn(result.identity)}) to end`);
});

test('a real PostgreSQL server: started as its own account, found without its record, stopped by a fast shutdown', async () => {
  const directory = await temporaryDirectory();
  const own = await startPostgres({ directory: path.join(directory, 'pg') });
  const { dataDirectory } = own;
  await own.psql('create table kept (n int); insert into kept select generate_series(1, 500)');
  await own.stop();
  const request = await serviceRequest({
    directory,
    name: 'db',
    command: [
      `${own.binaries}/postgres`,
      '-D',
      dataDirectory,
      '-p',
      String(own.port),
      '-k',
      own.socketDirectory,
    ],
    platform: { stopSignal: 'SIGINT', ...(process.getuid?.() === 0 ? { user: 'postgres' } : {}) },
    spec: { role: 'database', health: { postgres: 'main' } },
    stores: {
      main: {
        type: 'postgres',
        service: 'db',
        host: own.socketDirectory,
        port: own.port,
        user: own.user,
        database: 'postgres',
        maintenanceDatabase: 'postgres',
        validations: [],
        keepReplaced: '7d',
        restoreJobs: 1,
        ...(own.password === '' ? {} : { password: 'env:TEST_PLATFORM_PG' }),
      },
    },
  });
  process.env['TEST_PLATFORM_PG'] = own.password;
  const { result } = await startService(request, call);
  expect(await inContext().awaitHealthy(request)).toMatchObject({
    healthy: true,
    detail: 'accepting connections',
  });
  await rm(recordOf(request));
  // Its children lead sessions of their own and carry the mark too.
  expect((await serviceState(request)).identity).toBe(result.identity);
  expect(await startService(request, call)).toMatchObject({ result: { identity: result.identity } });
  expect(await stopService(request, call)).toMatchObject({ performed: true });
  expect(await readFile(request.spec.platform.logFile, 'utf8')).toContain('database system is shut down');
  expect(await inContext().checkService(request)).toMatchObject({ healthy: false, status: 'unreachable' });
});

test('a server started here serves', async () => {
  const port = await freePort();
  const request = await serviceRequest({
    command: [node, '-e', serverProgram, String(port)],
    spec: { health: { http: { url: `http://127.0.0.1:${port}/`, contains: 'open' } } },
  });
  await startService(request, call);
  await expect(inContext().awaitHealthy(request)).resolves.toMatchObject({ status: 'healthy', code: 200 });
});
