/** The demonstration shop, small, on ports of its own: prepared, started by the inventory's own commands, used, drained. */
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { leftovers } from '../../demo/prepare/leftovers.ts';
import { type Ports, prepareDemo, type PreparedDemo } from '../../demo/prepare.ts';
import { loadInventory } from '../../src/inventory/index.ts';
import type { System } from '../../src/inventory/schema/system.ts';
import { ServerProcess } from '../../tools/lib/processes.ts';
import { unprivilegedUser } from '../../tools/lib/users.ts';
import { freePort, temporaryDirectory, waitUntil } from '../support/servers.ts';

let demo: PreparedDemo;
let system: System;
const started: ServerProcess[] = [];

async function distinctPorts(): Promise<Ports> {
  const found = new Set<number>();
  while (found.size < 6) found.add(await freePort());
  const [postgres = 0, redis = 0, api = 0, search = 0, reports = 0, web = 0] = found;
  return { postgres, redis, api, search, reports, web };
}

/** What platform `process` does: the command, directory, environment and account of the inventory. */
async function startByHand(name: string): Promise<ServerProcess> {
  const platform = system.services[name]?.platform;
  if (!platform) throw new Error(`no service ${name}`);
  const [command = '', ...args] = platform.command;
  const server = new ServerProcess({
    name,
    command,
    args,
    cwd: platform.directory ?? demo.root,
    env: platform.environment,
    user: platform.user === undefined ? undefined : await unprivilegedUser(platform.user),
    logFile: platform.logFile,
    stopSignal: platform.stopSignal,
    ready: async () => await Promise.resolve(true),
  });
  started.push(server);
  return server;
}

async function statusOf(service: keyof Ports, target: string, init?: RequestInit): Promise<number> {
  return (await fetch(`http://127.0.0.1:${demo.ports[service]}${target}`, init)).status;
}

async function healthy(service: keyof Ports): Promise<void> {
  await waitUntil(async () => (await statusOf(service, '/health')) === 200, {
    what: `${service} to be healthy`,
    timeoutMs: 30_000,
  });
}

function order(reference: string): RequestInit {
  return {
    method: 'POST',
    body: JSON.stringify({ reference, customerId: 1, lines: [{ productId: 2, quantity: 3 }] }),
  };
}

async function place(reference: string): Promise<{ status: number; id: string }> {
  const response = await fetch(`http://127.0.0.1:${demo.ports.api}/orders`, order(reference));
  return { status: response.status, id: ((await response.json()) as { id: string }).id };
}

beforeAll(async () => {
  const root = path.join(await temporaryDirectory(), 'shop');
  demo = await prepareDemo({ root, name: 'shop-one', scale: 0.01, ports: await distinctPorts() });
  const inventory = await loadInventory(demo.systemsDirectory);
  expect(inventory.problems).toEqual([]);
  expect(inventory.warnings).toEqual([]);
  system = inventory.systems.get('shop-one') as System;
  await startByHand('postgres');
  await startByHand('redis');
  await waitUntil(async () => (await demo.psql('select 1')).length === 1, { timeoutMs: 30_000 });
  await waitUntil(async () => (await demo.redis('PING')) === 'PONG');
  for (const name of ['api', 'search', 'reports', 'web']) await startByHand(name);
  for (const name of ['api', 'search', 'reports', 'web'] as const) await healthy(name);
});

afterAll(async () => {
  for (const server of started.reverse()) await server.stop();
});

describe('the prepared shop', () => {
  it('has rows under constraints, page checksums and amcheck; keys and TTLs in Redis', async () => {
    const [facts] = await demo.psql(`select (select count(*) from customers) as customers,
      (select count(*) from orders) as orders, current_setting('data_checksums') as checksums,
      (select count(*) from pg_extension where extname = 'amcheck') as amcheck,
      (select count(*) from orders o left join customers c on c.id = o.customer_id where c.id is null) as orphans`);
    expect(facts).toEqual({ customers: '1500', orders: '8000', checksums: 'on', amcheck: '1', orphans: '0' });
    expect(Number(await demo.redis('DBSIZE'))).toBeGreaterThan(1500);
    expect(Number(await demo.redis('TTL', 'session:1'))).toBeGreaterThan(0);
    expect(await demo.redis('GET', 'orders:placed')).toMatch(/^8\d\d\d$/);
  });

  it('takes an order once however often it is sent, and gives it back', async () => {
    const first = await place('test-1');
    const again = await place('test-1');
    expect([first.status, again.status, again.id]).toEqual([201, 200, first.id]);
    const [row] = await demo.psql(
      `select count(*) as orders, min(l.quantity) as quantity from orders o join order_lines l on l.order_id = o.id
       where o.reference = 'test-1'`,
    );
    expect(row).toEqual({ orders: '1', quantity: '3' });
    const response = await fetch(`http://127.0.0.1:${demo.ports.web}/orders/${first.id}`);
    expect(await response.json()).toMatchObject({
      reference: 'test-1',
      lines: [{ productId: 2, quantity: 3 }],
    });
  });

  it('drains: refuses new orders, finishes the one in hand, stays healthy, and takes orders again', async () => {
    const target = `http://127.0.0.1:${demo.ports.api}`;
    const inHand = fetch(`${target}/orders?hold=1500`, order('slow-1'));
    const active = async () =>
      /^demo_active_requests (\d+)$/m.exec(await (await fetch(`${target}/metrics`)).text())?.[1];
    await waitUntil(async () => (await active()) === '1');
    expect(await statusOf('api', '/admin/drain', { method: 'POST' })).toBe(200);
    expect(await statusOf('api', '/admin/drain', { method: 'POST' })).toBe(200);
    expect(await statusOf('api', '/orders', order('refused-1'))).toBe(503);
    expect(await statusOf('api', '/health')).toBe(200);
    expect((await inHand).status).toBe(201);
    await waitUntil(async () => (await active()) === '0');
    expect(await statusOf('api', '/admin/undrain', { method: 'POST' })).toBe(200);
    expect((await place('after-1')).status).toBe(201);
    const rows = await demo.psql(
      `select reference from orders where reference in ('slow-1', 'refused-1', 'after-1') order by 1`,
    );
    expect(rows.map(({ reference }) => reference)).toEqual(['after-1', 'slow-1']);
  });

  it('heals by itself when the database was renamed away and back, and when Redis was restarted', async () => {
    await demo.psql(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = 'shop';
       alter database shop rename to shop_away`,
      'postgres',
    );
    await waitUntil(async () => (await statusOf('api', '/health')) === 503);
    await demo.psql('alter database shop_away rename to shop', 'postgres');
    await healthy('api');
    const redisServer = started[1] as ServerProcess;
    await redisServer.stop();
    expect(await statusOf('reports', '/health')).toBe(503);
    await startByHand('redis');
    await healthy('reports');
    expect((await place('healed-1')).status).toBe(201);
    expect(await demo.redis('GET', 'orders:placed')).toMatch(/^80\d\d$/);
  });

  it('says 400 to what is no order and 404 to what is not there', async () => {
    expect(await statusOf('api', '/orders', { method: 'POST', body: '{"reference":"x"}' })).toBe(400);
    expect(await statusOf('api', '/orders', { method: 'POST', body: 'not json' })).toBe(400);
    expect(await statusOf('api', '/orders/999999999')).toBe(404);
  });

  it('stops whatever of it runs, and nothing else; a second preparation is fresh', async () => {
    expect(leftovers(demo.root).length).toBeGreaterThanOrEqual(6);
    const stopped = await demo.stopAll();
    expect(stopped.join()).toMatch(/api|node/);
    await waitUntil(() => started.every((server) => !server.isRunning));
    expect(leftovers(demo.root)).toEqual([]);
    const mark = path.join(demo.backupsDirectory, 'old');
    await writeFile(mark, '');
    const again = await prepareDemo({ root: demo.root, name: 'shop-one', scale: 0.01, ports: demo.ports });
    expect(again.root).toBe(demo.root);
    expect(existsSync(mark)).toBe(false);
  });

  it('never empties a directory that is not a demonstration', async () => {
    const root = path.join(await temporaryDirectory(), 'mine');
    await mkdir(root);
    await writeFile(path.join(root, 'thesis.txt'), 'ten years');
    await expect(prepareDemo({ root, scale: 0.01 })).rejects.toThrow(/not empty/);
    expect(existsSync(path.join(root, 'thesis.txt'))).toBe(true);
  });
});
