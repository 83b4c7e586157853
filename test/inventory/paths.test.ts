import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseSystem } from '../../src/inventory/index.ts';
import { definition, isSecret } from '../../src/inventory/explain/schema.ts';
import { pathSlots } from '../../src/inventory/paths.ts';
import type { Path } from '../../src/inventory/problem.ts';
import { filePath } from '../../src/inventory/schema/common.ts';
import { system as schema } from '../../src/inventory/schema/system.ts';
import { schemaLeaves } from './schema-leaves.ts';

const full = readFileSync(new URL('fixtures/full.yaml', import.meta.url), 'utf8');
const { system } = parseSystem(full, '/srv/runbooks/systems/full.yaml');
if (!system) throw new Error('the fixture is broken');
const filesystem = parseSystem(
  full.replace(/ {2}destination:\n(?: {4}.*\n)+/, '  destination: { type: filesystem, directory: out }\n'),
  '/srv/runbooks/systems/full.yaml',
).system;
if (!filesystem) throw new Error('the fixture is broken');

/** `services.api.platform.logFile` as the schema has it: `services.*.platform.logFile`. */
function inSchema(path: Path): string {
  const named = ['services', 'stores', 'channels'];
  return path
    .map((part, index) =>
      typeof part === 'number' ? '[]' : named.includes(String(path[index - 1])) ? '*' : part,
    )
    .join('.');
}

test('every field of the schema that is a path, a secret or a command is one of those made absolute', () => {
  const known = new Set([...pathSlots(system), ...pathSlots(filesystem)].map(({ path }) => inSchema(path)));
  const leaves = schemaLeaves(schema)
    .filter(
      ({ path, leaf }) =>
        definition(leaf) === definition(filePath) || isSecret(leaf) || /\bcommand\.\[\]$/.test(path),
    )
    .map(({ path }) => path);
  expect(leaves.length).toBeGreaterThan(15);
  expect([...known].sort()).toEqual([...new Set(leaves)].sort());
});

test('relative paths are taken from the directory of the file; nothing else is touched', () => {
  const at = '/srv/runbooks/systems';
  expect(system.stateDirectory).toBe(`${at}/state`);
  expect(system.services['database']?.platform).toMatchObject({
    command: [`${at}/bin/postgres`, '-D', '/srv/runbooks/data'],
    directory: `${at}/work`,
    logFile: `${at}/logs/database.log`,
  });
  expect(system.services['cache']?.platform.logFile).toBe('/var/log/cache.log');
  expect(system.services['api']?.platform.command).toEqual(['node', 'server.js']);
  expect(system.services['api']?.traffic?.open).toEqual({ command: [`${at}/open`, 'now'] });
  expect(system.services['worker']?.traffic?.close).toEqual({ command: [`${at}/close`] });
  expect(system.services['worker']?.health).toEqual({ command: ['/srv/runbooks/check', '--deep'] });
  expect(system.stores['orders']).toMatchObject({
    password: `file:${at}/secrets/orders`,
    host: '/var/run/postgresql',
  });
  expect(system.stores['sessions']).toMatchObject({
    password: 'env:CACHE_PASSWORD',
    dataDirectory: '/srv/runbooks/cache',
  });
  expect(system.backup).toMatchObject({
    destination: {
      accessKeyId: `file:${at}/secrets/id`,
      secretAccessKey: 'k8s:backup/key',
      prefix: 'full/here',
    },
    signing: { privateKey: 'file:/etc/keys/signing.pem', trustedKeys: [`${at}/keys/signing.pub.pem`] },
    encryption: { identity: `file:${at}/keys/age.txt` },
    scratchDirectory: `${at}/scratch`,
  });
  expect(filesystem.backup?.destination).toMatchObject({ directory: `${at}/out` });
  expect(system.people.channels).toMatchObject({
    ops: { webhook: `file:${at}/secrets/slack` },
    pager: { token: 'vault:pager#token' },
  });
});
