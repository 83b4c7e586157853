/** A service for tests: a real program, described as an inventory describes it. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { onTestFinished } from 'vitest';

import type { Call } from '../../src/activities/call.ts';
import { createPlatformActivities } from '../../src/activities/platforms/index.ts';
import type { ServiceRequest } from '../../src/activities/platforms/contract.ts';
import { isAlive, liveProcesses, processStat } from '../../src/exec/index.ts';
import { service } from '../../src/inventory/schema/service.ts';
import type { Store } from '../../src/inventory/schema/store.ts';
import { temporaryDirectory } from '../support/servers.ts';

export const call: Call = { plan: false, fence: null, key: 'test/run/step' };
export const planning: Call = { ...call, plan: true };

const activities = createPlatformActivities();
type All = typeof activities;

/** An activity's context without the log of each failure that a test means to see. */
export function quietEnvironment(): MockActivityEnvironment {
  return new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') });
}

/** The activities as Temporal calls them: within an activity's context. */
export function inContext(environment = quietEnvironment()): All {
  return Object.fromEntries(
    Object.entries(activities).map(([name, activity]) => [
      name,
      async (...args: unknown[]) =>
        await environment.run(activity as (...given: unknown[]) => Promise<unknown>, ...args),
    ]),
  ) as All;
}

export const node = process.execPath;

/** A server that answers `/` with 200, `/slow` late, `/metrics` with what was last put there, and ends on SIGTERM. */
export const serverProgram = `
  const http = require('node:http');
  let metrics = '', status = 200, closed = false;
  http.createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += chunk));
    request.on('end', () => {
      if (request.url === '/metrics' && request.method === 'PUT') metrics = body;
      if (request.url === '/close') closed = true;
      if (request.url === '/open') closed = false;
      if (request.url === '/redirect') response.writeHead(302, { location: '/' }).end();
      else if (request.url === '/slow') setTimeout(() => response.end('slow'), 300);
      else if (request.url === '/flood') { response.writeHead(200); const more = () => { while (response.write('x'.repeat(65536))); response.once('drain', more); }; more(); }
      else if (request.url === '/metrics') response.end(metrics);
      else response.writeHead(status).end(closed ? 'closed' : 'open for business');
    });
  }).listen(Number(process.argv[1]), '127.0.0.1', () => console.log('listening'));
`.replaceAll('\n', ' ');

export interface ServiceOptions {
  command: string[];
  directory?: string;
  name?: string;
  spec?: Record<string, unknown>;
  platform?: Record<string, unknown>;
  stores?: Record<string, Store>;
}

/** The request for a service; whatever runs of it at the test's end is killed. */
export async function serviceRequest(options: ServiceOptions): Promise<ServiceRequest> {
  const directory = options.directory ?? (await temporaryDirectory());
  const stateDirectory = path.join(directory, 'state');
  const name = options.name ?? 'web';
  const spec = service.parse({
    health: { command: ['true'] },
    startWithin: '20s',
    stopWithin: '10s',
    ...options.spec,
    platform: {
      type: 'process',
      command: options.command,
      logFile: path.join(directory, `${name}.log`),
      ...options.platform,
    },
  });
  const request = { system: 'shop', stateDirectory, service: name, spec, stores: options.stores ?? {} };
  onTestFinished(() => {
    for (const pid of processesOf(request)) process.kill(pid, 'SIGKILL');
  });
  return request;
}

/** Every living process with the service's mark in its environment, found apart from the product's own code. */
export function processesOf({ stateDirectory, service: name }: ServiceRequest): number[] {
  const mark = `DURABLE_RUNBOOKS_SERVICE=${stateDirectory}#${name}`;
  return liveProcesses()
    .filter(({ pid }) => environmentOf(pid).includes(mark))
    .map(({ pid }) => pid);
}

function environmentOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

export function alive(pid: number): boolean {
  return isAlive(processStat(pid));
}

export function pidIn(identity: string | undefined): number {
  return Number(/^pid (\d+),/.exec(identity ?? '')?.[1]);
}
