import { readFile } from 'node:fs/promises';
import path from 'node:path';

import { Connection } from '@temporalio/client';
import { expect, test } from 'vitest';
import { parse } from 'yaml';

import { run } from '../../tools/lib/run.ts';
import { searchAttributes } from '../../tools/servers/temporal.ts';
import { ensure } from '../../tools/setup.ts';
import { sharedServers, waitUntil } from '../support/servers.ts';

const root = path.dirname(path.dirname(import.meta.dirname));

interface ComposeService {
  readonly image: string;
  readonly ports?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly healthcheck?: { readonly test: readonly string[] };
}

async function services(): Promise<Record<string, ComposeService>> {
  const text = await readFile(path.join(root, 'docker-compose.temporal.yml'), 'utf8');
  return (parse(text, { merge: true }) as { services: Record<string, ComposeService> }).services;
}

test('every image has a pinned version, and every published port is on loopback', async () => {
  for (const [name, service] of Object.entries(await services())) {
    expect(service.image, name).toMatch(/^[a-z./-]+:v?\d+\.\d+(\.\d+)?(-[a-z]+)?$/);
    for (const port of service.ports ?? []) expect(port, name).toMatch(/^127\.0\.0\.1:/);
  }
});

test('every server that stays up says whether it is healthy, in words that YAML leaves alone', async () => {
  for (const [name, service] of Object.entries(await services())) {
    if (['temporal-schema', 'temporal-namespace'].includes(name)) continue;
    expect(service.healthcheck?.test[0], name).toBe('CMD');
    for (const word of service.healthcheck?.test ?? []) expect(word, name).toBeTypeOf('string');
  }
});

test('no secret has a default', async () => {
  const secrets = Object.entries(await services()).flatMap(([name, service]) =>
    Object.entries(service.environment ?? {})
      .filter(([key]) => /PASSWORD|PWD|SECRET|ACCESS_KEY/.test(key))
      .map(([key, value]) => [`${name}.${key}`, value] as const),
  );
  expect(secrets.length).toBeGreaterThanOrEqual(8);
  for (const [name, value] of secrets) expect(value, name).toMatch(/^\$\{[A-Z0-9_]+(:\?[^}]+)?\}$/);

  const example = await readFile(path.join(root, 'deploy', 'compose', 'example.env'), 'utf8');
  for (const line of example.split('\n').filter((text) => /^[A-Z]/.test(text)))
    expect(line).toMatch(/^[A-Z0-9_]+=$/);
});

test('the namespace script makes the namespace and the search attributes, and can be repeated', async () => {
  const { address } = sharedServers().temporal;
  const temporal = await ensure('temporal');
  const namespace = 'compose-test';
  const script = path.join(root, 'deploy', 'compose', 'setup-namespace.sh');
  const environment = (retention: string) => ({
    TEMPORAL_ADDRESS: address,
    NAMESPACE: namespace,
    RETENTION: retention,
    PATH: `${path.dirname(temporal)}:${process.env['PATH'] ?? ''}`,
  });
  await run('/bin/sh', [script], { env: environment('72h') });
  await run('/bin/sh', [script], { env: environment('96h') });

  const connection = await Connection.connect({ address });
  const { config } = await connection.workflowService.describeNamespace({ namespace });
  expect(config?.workflowExecutionRetentionTtl?.seconds?.toNumber()).toBe(96 * 3600);
  await waitUntil(async () => {
    const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
    return Object.keys(searchAttributes).every((name) => customAttributes[name] !== undefined);
  });
  await connection.close();
});
