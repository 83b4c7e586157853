/** The demonstration shop in the hands of the product's own activities: started, asked, backed up, restored, stopped. */
import { MockActivityEnvironment } from '@temporalio/testing';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { deriveInventory, usualPorts } from '../../demo/prepare/inventory.ts';
import { leftovers } from '../../demo/prepare/leftovers.ts';
import { prepareDemo, type PreparedDemo } from '../../demo/prepare.ts';
import { createBackupActivities } from '../../src/activities/backups/index.ts';
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
const backups = createBackupActivities();
const order = ['postgres', 'redis', 'api', 'search', 'reports', 'web'];

beforeAll(async () => {
  const root = path.join(await temporaryDirectory(), 'shop');
  const found = new Set<number>();
  while (found.size < 6) found.add(await freePort());
  const [postgres = 0, redis = 0, api = 0, search = 0, reports = 0, web = 0] = found;
  demo = await prepareDemo({
    ...{ root, name: 'shop-two', scale: 0.01 },
    ports: { postgres, redis, api, search, reports, web },
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

it('an inventory for S3 names the server and keeps its keys in files', async () => {
  const file = await deriveInventory({
    ...{ original: demo.inventoryFile, root: demo.root, name: 'shop-s3', ports: usualPorts },
    s3: {
      ...{ endpoint: 'http://127.0.0.1:9000', bucket: 'backups' },
      ...{ accessKeyId: 'id', secretAccessKey: 'very-secret' },
    },
  });
  expect(await readFile(file, 'utf8')).not.toContain('very-secret');
  const { systems, problems } = await loadInventory(path.dirname(file));
  expect(problems).toEqual([]);
  const destination = systems.get('shop-s3')?.backup?.destination;
  const secret = path.join(demo.root, 'keys', 's3.secret-key');
  expect(destination).toMatchObject({
    type: 's3',
    bucket: 'backups',
    pathStyle: true,
    secretAccessKey: `file:${secret}`,
  });
  expect((await readFile(secret, 'utf8')).trim()).toBe('very-secret');
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

it('is backed up, restored and swapped in; its programs go on with the restored data', async () => {
  for (const service of ['postgres', 'redis', 'api']) {
    await as(platform.startService, request(service), call(`anew-${service}`));
    await as(platform.awaitHealthy, request(service));
  }
  const { name, stateDirectory, backup } = system;
  const id = `${name}-manual-20260102T030405Z-0a1b2c3d`;
  const storeRequest = (store: string) => ({
    ...{ system: name, stateDirectory, store, spec: system.stores[store], backup, backupId: id },
    purpose: 'replace',
  });
  const components: unknown[] = [];
  for (const store of ['main', 'cache']) {
    components.push((await as(stores.dumpStore, storeRequest(store), call(`dump-${store}`))).result);
  }
  const place = { system: name, backup, id };
  const startedAt = new Date().toISOString();
  const manifest = { ...place, kind: 'manual', startedAt, components };
  await as(backups.writeManifest, manifest, call('manifest'));
  expect((await as(backups.verifyBackup, place, call('verify'))).result).toMatchObject({
    ok: true,
    problems: [],
  });

  const placed = await demo.redis('GET', 'orders:placed');
  await demo.psql('delete from order_lines; delete from orders');
  await demo.redis('FLUSHALL');
  for (const store of ['main', 'cache']) {
    const asked = storeRequest(store);
    const { result: replacement } = await as(stores.restoreBeside, asked, call(`restore-${store}`));
    const comparison = await as(stores.compareReplacement, { ...asked, replacement });
    expect(comparison).toMatchObject({ equal: true, differences: [] });
    expect(comparison.validations.filter(({ ok }) => !ok)).toEqual([]);
    if (store === 'cache') await as(platform.stopService, request('redis'), call('stop-for-swap'));
    await as(stores.swapIn, { ...asked, replacement }, call(`swap-${store}`));
  }
  await as(platform.startService, request('redis'), call('start-after-swap'));
  await as(platform.awaitHealthy, request('redis'));
  await as(platform.awaitHealthy, request('api'));
  expect(await demo.redis('GET', 'orders:placed')).toBe(placed);
  // By the role that owns the tables: a restore that loses owners or rights would refuse it.
  const response = await fetch(`http://127.0.0.1:${demo.ports.api}/orders`, {
    method: 'POST',
    body: JSON.stringify({ reference: 'restored-1', customerId: 1, lines: [{ productId: 1, quantity: 1 }] }),
  });
  expect(response.status).toBe(201);
  expect(await demo.psql('select count(*) as orders from orders')).toEqual([{ orders: '8001' }]);
  await demo.stopAll();
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
