/** Reaching Temporal: profiles and variables as the temporal command reads them, and what is said when nobody answers. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { connectClient, connectionSettings, TemporalUnreachable } from '../../src/temporal/connection.ts';
import { ensureSearchAttributes, type OperatorConnection } from '../../src/temporal/search-attributes.ts';
import { temporaryDirectory } from '../../tools/lib/directories.ts';
import { freePort, sharedServers, startTemporalDevServer } from '../support/servers.ts';

beforeEach(() => {
  for (const name of Object.keys(process.env)) if (name.startsWith('TEMPORAL_')) vi.stubEnv(name, undefined);
  vi.stubEnv('TEMPORAL_CONFIG_FILE', '/dev/null');
});
afterEach(() => {
  vi.unstubAllEnvs();
});

describe('where Temporal is', () => {
  test('localhost:7233 and namespace default, without anything', () => {
    expect(connectionSettings()).toMatchObject({ address: 'localhost:7233', namespace: 'default' });
  });

  test('the variables of the temporal command', () => {
    vi.stubEnv('TEMPORAL_ADDRESS', 'temporal.example:7233');
    vi.stubEnv('TEMPORAL_NAMESPACE', 'operations');
    expect(connectionSettings()).toMatchObject({ address: 'temporal.example:7233', namespace: 'operations' });
    expect(connectionSettings({ address: 'other:1' }).address).toBe('other:1');
  });

  test('its profiles, with TLS', async () => {
    const file = path.join(await temporaryDirectory(), 'temporal.toml');
    await writeFile(
      file,
      '[profile.night]\naddress = "night.example:7233"\nnamespace = "n"\n[profile.night.tls]\nserver_name = "night"\n',
    );
    vi.stubEnv('TEMPORAL_CONFIG_FILE', file);
    const settings = connectionSettings({ profile: 'night' });
    expect(settings).toMatchObject({ address: 'night.example:7233', namespace: 'n' });
    expect(settings.options.tls).toMatchObject({ serverNameOverride: 'night' });
  });

  test('a profile that is not there is an error', () => {
    expect(() => connectionSettings({ profile: 'nowhere' })).toThrow(/nowhere/);
  });

  test('nobody answers: the address, and how to start one', async () => {
    const address = `127.0.0.1:${await freePort()}`;
    const error = await connectClient({ address }, 500).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(TemporalUnreachable);
    expect((error as Error).message).toContain(address);
    expect((error as Error).message).toContain('temporal server start-dev');
  });
});

describe('search attributes', () => {
  test('are added to a namespace that has none, once', async () => {
    const server = await startTemporalDevServer({
      directory: await temporaryDirectory(),
      namespaces: ['bare'],
    });
    const { connection } = await connectClient({ address: server.address });
    try {
      const { workflowService } = connection;
      const namespace = 'empty';
      await workflowService.registerNamespace({
        namespace,
        workflowExecutionRetentionPeriod: { seconds: 86_400 as never },
      });
      const known = async () => await connection.operatorService.listSearchAttributes({ namespace });
      await expect
        .poll(
          async () =>
            await known().then(
              () => true,
              () => false,
            ),
          { timeout: 30_000 },
        )
        .toBe(true);
      const before = (await known()).customAttributes ?? {};
      const first = await ensureSearchAttributes(connection, namespace);
      expect(first.warning).toBeUndefined();
      const after = (await known()).customAttributes ?? {};
      for (const name of ['RunbookSystem', 'RunbookName', 'RunbookPhase', 'RunbookSeverity']) {
        expect(after[name]).toBe(2);
        expect(first.added.includes(name)).toBe(before[name] === undefined);
      }
      expect(await ensureSearchAttributes(connection, namespace)).toEqual({ added: [] });
    } finally {
      await connection.close();
      await server.stop();
    }
  });

  test('are there on the shared server: nothing to add', async () => {
    const { connection } = await connectClient({ address: sharedServers().temporal.address });
    expect(await ensureSearchAttributes(connection, 'default')).toEqual({ added: [] });
    await connection.close();
  });

  test('no permission is a warning with the command for somebody who has it', async () => {
    const refusal = Object.assign(new Error('7 PERMISSION_DENIED: no'), {
      code: 7,
      details: 'Request unauthorized.',
    });
    const refusing: OperatorConnection = {
      operatorService: {
        listSearchAttributes: async () => ({ customAttributes: {} }),
        addSearchAttributes: async () => {
          throw refusal;
        },
      },
    };
    const { added, warning } = await ensureSearchAttributes(refusing, 'prod');
    expect(added).toEqual([]);
    expect(warning).toContain('Request unauthorized.');
    expect(warning).toContain(
      'temporal operator search-attribute create --namespace prod --name RunbookSystem --type Keyword',
    );
  });
});
