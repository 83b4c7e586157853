import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';

import type { TrafficRequest } from '../../src/activities/platforms/traffic.ts';
import { sumOfSamples } from '../../src/activities/platforms/prometheus.ts';
import { traffic } from '../../src/inventory/schema/service.ts';
import { freePort, temporaryDirectory } from '../support/servers.ts';
import { call, inContext, node, planning, serverProgram, serviceRequest } from './support.ts';

const { awaitDrained, awaitHealthy, closeTraffic, openTraffic, startService, stopService } = inContext();

async function shop(more: Record<string, unknown> = {}): Promise<TrafficRequest & { base: string }> {
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;
  const request = await serviceRequest({
    command: [node, '-e', serverProgram, String(port)],
    spec: { health: { http: { url: `${base}/` } } },
  });
  await startService(request, call);
  await awaitHealthy(request);
  const spec = traffic.parse({
    close: { http: { url: `${base}/close` } },
    open: { http: { url: `${base}/open` } },
    active: { metrics: `${base}/metrics`, name: 'in_flight' },
    drainWithin: '1s',
    ...more,
  });
  return { ...request, traffic: spec, base };
}

const page = async (base: string) => await (await fetch(base)).text();
const setMetrics = async (base: string, body: string) =>
  await fetch(`${base}/metrics`, { method: 'PUT', body });

test('traffic is closed and opened over HTTP, and again without harm; a plan only says how', async () => {
  const request = await shop();
  const plan = await closeTraffic(request, planning);
  expect(plan).toMatchObject({ performed: false, result: { open: false } });
  expect(plan.commands).toEqual([`curl --fail --request POST -- ${request.base}/close`]);
  expect(await page(request.base)).toBe('open for business');
  await closeTraffic(request, call);
  await closeTraffic(request, call);
  expect(await page(request.base)).toBe('closed');
  await openTraffic(request, call);
  expect(await page(request.base)).toBe('open for business');
});

test('traffic is closed by a command, whose arguments no shell reads', async () => {
  const file = path.join(await temporaryDirectory(), 'said');
  const print = `require('fs').writeFileSync(process.argv[1], process.argv[2])`;
  const request = await shop({ close: { command: [node, '-e', print, file, '$(id); true'] } });
  await closeTraffic(request, call);
  expect(await readFile(file, 'utf8')).toBe('$(id); true');
});

test('closing is done already when the service that would take the work does not run; opening is not', async () => {
  const request = await shop();
  await stopService(request, call);
  await expect(closeTraffic(request, call)).resolves.toMatchObject({ result: { open: false } });
  await expect(openTraffic(request, call)).rejects.toMatchObject({ type: 'Unreachable' });
});

test('a refusal is a failure, not an open or closed door', async () => {
  const request = await shop({ close: { http: { url: 'http://127.0.0.1:1/close' } } });
  await expect(closeTraffic(request, call)).rejects.toMatchObject({ type: 'Unreachable' });
  const redirected = {
    ...request,
    traffic: {
      ...request.traffic,
      open: { http: { method: 'POST' as const, url: `${request.base}/redirect` } },
    },
  };
  await expect(openTraffic(redirected, call)).rejects.toThrow('HTTP 302');
});

test('drained when the gauge is 0 over all its labels, and not before', async () => {
  const request = await shop();
  await setMetrics(request.base, 'in_flight{path="/a"} 0\nin_flight{path="/b"} 2\n');
  expect(await awaitDrained(request)).toMatchObject({ drained: false, active: 2 });
  const patient = { ...request, traffic: { ...request.traffic, drainWithin: '1h' } };
  const waiting = awaitDrained(patient);
  await setMetrics(request.base, 'in_flight{path="/a"} 0\nin_flight{path="/b"} 0\n');
  expect(await waiting).toMatchObject({ drained: true, active: 0 });
});

test('a page that does not answer, has no such gauge, or is refused is not a zero', async () => {
  const request = await shop();
  await setMetrics(request.base, 'in_flight_total 0\nother 0\n');
  expect(await awaitDrained(request)).toMatchObject({
    drained: false,
    active: null,
    reason: expect.stringContaining('no in_flight') as string,
  });
  const at = (metrics: string) => ({
    ...request,
    traffic: { ...request.traffic, active: { metrics, name: 'in_flight' } },
  });
  expect(await awaitDrained(at('http://127.0.0.1:1/'))).toMatchObject({ drained: false, active: null });
  expect(await awaitDrained(at(`${request.base}/redirect`))).toMatchObject({ drained: false, active: null });
  const { active: _, ...untold } = request.traffic;
  expect(await awaitDrained({ ...request, traffic: untold })).toMatchObject({ drained: false, active: null });
});

test('a service that does not run has no work in hand', async () => {
  const request = await shop();
  await stopService(request, call);
  expect(await awaitDrained(request)).toMatchObject({ drained: true, active: 0 });
});

test.each([
  ['# TYPE g gauge\ng 3\n', 3],
  ['g{a="x y",b="}"} 1.5 1700000000000\ng{a="\\"q\\""} 2\n', 3.5],
  ['g_total 4\nmy_g 4\n', undefined],
  ['g NaN\n', undefined],
  ['g +Inf\n', Infinity],
  ['g 1e3\n', 1000],
  ['', undefined],
  ['g{unclosed="x} 1\n', undefined],
])('the samples of %j sum to %s', (text, sum) => {
  expect(sumOfSamples(text, 'g')).toBe(sum);
});
