/** The demonstration shop in the hands of the product's own activities: started, asked, drained, backed up, restored, stopped. */
import { MockActivityEnvironment } from '@temporalio/testing';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { leftovers } from '../../demo/prepare/leftovers.ts';
import { prepareDemo, type PreparedDemo } from '../../demo/prepare.ts';
import { createPlatformActivities } from '../../src/activities/platforms/index.ts';
import type { ServiceRequest } from '../../src/activities/platforms/contract.ts';
import { createStoreActivities } from '../../src/activities/stores/index.ts';
import { loadInventory } from '../../src/inventory/index.ts';
import type { System } from '../../src/inventory/schema/system.ts';
import { freePort, temporaryDirectory } from '../support/servers.ts';

let demo: PreparedDemo;
let system: System;
const platform = createPlatformActivities();
const stores = createStoreActivities();
const order = ['postgres', 'redis', 'api', 'search', 'reports', 'web'];

beforeAll(async () => {
  const root = path.join(await temporaryDirectory(), 'shop');
  const found = new Set<number>();
  while (found.size < 6) found.add(await freePort());
  const [postgres = 0, redis = 0, api = 0, search = 0, reports = 0, web = 0] = found;
  demo = await prepareDemo({
    ...{ root, name: 'shop-two', scale: 0.01 },
    ports: { postgres, redis, api, search, reports, web },
    s3: { endpoint: 'http://127.0.0.1:9', bucket: 'backups', accessKeyId: 'id', secretAccessKey: 'secret' },
  });
  const inventory = await loadInventory(demo.systemsDirectory);
  expect(inventory.problems).toEqual([]);
  system = inventory.systems.get('shop-two') as System;
});

afterAll(async () => {
  await demo.stopAll();
});

async function as<Result>(
  activity: (...args: never[]) => Promise<Result>,
  ...args: unknown[]
): Promise<Result> {
  return await new MockActivityEnvironment().run(
    activity as (...args: unknown[]) => Promise<Result>,
    ...args,
  );
}

function request(service: string): ServiceRequest {
  const spec = system.services[service];
  if (!spec) throw new Error(`no service ${service}`);
  const { name, stateDirectory, stores: all } = system;
  return { system: name, stateDirectory, service, spec, stores: all };
}

const call = (step: string) => ({ plan: false, fence: null, key: `demo/${demo.root}/${step}` });

it('an inventory for S3 names the server and keeps its keys in files', () => {
  expect(system.backup?.destination).toMatchObject({ type: 's3', bucket: 'backups', pathStyle: true });
  expect(system.backup?.destination).toMatchObject({
    secretAccessKey: `file:${path.join(demo.root, 'keys', 's3.secret-key')}`,
  });
});

it('starts in order, is healthy, is found by stopAll, and stops in reverse order', async () => {
  const preflight = await as(platform.preflight, { services: order.map(request) });
  expect(preflight).toEqual({ ok: true, problems: [] });
  for (const service of order) {
    await as(platform.startService, request(service), call(`start-${service}`));
    expect(await as(platform.awaitHealthy, request(service))).toMatchObject({ healthy: true });
  }
  expect(
    new Set(leftovers(demo.root).map(({ program }) => path.basename(program.split(' ', 1)[0] ?? ''))),
  ).toEqual(new Set(['postgres', 'redis-server', 'node']));

  for (const store of ['main', 'cache']) {
    const spec = system.stores[store];
    const { name, stateDirectory } = system;
    const probed = await as(stores.probeStore, { system: name, stateDirectory, store, spec });
    expect(probed, JSON.stringify(probed)).toMatchObject({ reachable: true });
  }

  for (const service of [...order].reverse()) {
    await as(platform.stopService, request(service), call(`stop-${service}`));
  }
  expect(leftovers(demo.root)).toEqual([]);
});

it('a shop that somebody left running is ended by stopAll', async () => {
  for (const service of ['postgres', 'redis']) {
    await as(platform.startService, request(service), call(`again-${service}`));
    await as(platform.awaitHealthy, request(service));
  }
  const stopped = await demo.stopAll();
  expect(stopped).toHaveLength(2);
  expect(leftovers(demo.root)).toEqual([]);
  expect(await as(platform.serviceState, request('redis'))).toMatchObject({ running: false });
});
