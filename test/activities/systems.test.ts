import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApplicationFailure } from '@temporalio/common';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { canonical, createSystemActivities } from '../../src/activities/systems.ts';

const small = readFileSync(new URL('../inventory/fixtures/small.yaml', import.meta.url), 'utf8');
const named = (name: string): string => small.replace('name: small', `name: ${name}`);
let directory = '';

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'systems-'));
  await mkdir(join(directory, 'systems'));
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

const write = (path: string, text: string) => writeFile(join(directory, path), text);

const load = (system: string) =>
  createSystemActivities({ systemsDirectory: join(directory, 'systems') }).loadSystem({ system });

async function refused(system: string): Promise<ApplicationFailure> {
  const error: unknown = await load(system).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ApplicationFailure)) throw new Error(`expected a failure, not ${String(error)}`);
  expect(error.nonRetryable).toBe(true);
  return error;
}

test('a system is loaded, with absolute paths and a digest of all of it', async () => {
  await write('systems/shop.yaml', named('shop'));
  const first = await load('shop');
  expect(first.system.name).toBe('shop');
  expect(first.system.stateDirectory).toBe(join(directory, 'systems', 'state'));
  expect(first.digest).toMatch(/^[0-9a-f]{64}$/);

  await write('systems/shop.yaml', `# a remark changes nothing\n${named('shop')}`);
  expect((await load('shop')).digest).toBe(first.digest);
  await write('systems/shop.yaml', named('shop').replace('rto: 1h', 'rto: 2h'));
  expect((await load('shop')).digest).not.toBe(first.digest);
});

test('only the file of that system counts: another broken one does not keep it from being run', async () => {
  await write('systems/shop.yml', named('shop'));
  await write('systems/other.yaml', 'broken: [');
  expect((await load('shop')).system.name).toBe('shop');
});

test('an unknown system: which there are, and which was probably meant', async () => {
  await write('systems/shop.yaml', named('shop'));
  await write('systems/mail.yaml', named('mail'));
  const error = await refused('shp');
  expect(error.type).toBe('InvalidInput');
  expect(error.message).toBe(
    'There is no system "shp".\nNext: Did you mean shop? Known systems: mail, shop.',
  );
});

test('a name from outside is no path, though there is a good inventory at its end', async () => {
  await write('outside.yaml', named('outside'));
  await write('systems/shop.yaml', named('shop'));
  for (const name of [
    '../outside',
    `${directory}/outside`,
    '../outside.yaml',
    './shop',
    'shop.yaml',
    '',
    '..',
    'sh*p',
    'shop\0',
    '__proto__',
  ]) {
    expect((await refused(name)).type).toBe('InvalidInput');
  }
});

test('a broken inventory: every problem with its place, and secrets kept', async () => {
  await write(
    'systems/shop.yaml',
    named('shop')
      .replace('title: Small', 'titel: Small')
      .replace('database: d', 'database: d, password: hunter2'),
  );
  const error = await refused('shop');
  const file = join(directory, 'systems', 'shop.yaml');
  expect(error.type).toBe('ConfigurationError');
  expect(error.message).toContain('The inventory of shop cannot be used: 2 problems.');
  expect(error.message).toContain(`${file}:2:1  titel`);
  expect(error.message).toContain(`${file}:15:89  stores.main.password`);
  expect(error.message).toContain('Did you mean title?');
  expect(error.message).not.toContain('hunter2');
});

test('more problems than a failure can hold: the first ones, how many more, and still what to do', async () => {
  const strangers = Array.from({ length: 40 }, (_, index) => `stranger${index}: 1`).join('\n');
  await write('systems/shop.yaml', `${named('shop')}${strangers}\n`);
  const { message } = await refused('shop');
  expect(message).toContain('cannot be used: 40 problems');
  expect(message).toContain('and 32 more');
  expect(message).toContain('Next: Correct the file');
});

test('two files for one system, and no directory at all', async () => {
  await write('systems/shop.yaml', named('shop'));
  await write('systems/shop.yml', named('shop'));
  const twice = await refused('shop');
  expect(twice.type).toBe('ConfigurationError');
  expect(twice.message).toContain('shop.yaml and ');

  await rm(join(directory, 'systems'), { recursive: true });
  const nowhere = await refused('shop');
  expect(nowhere.type).toBe('ConfigurationError');
  expect(nowhere.message).toContain('found: nothing of this name');
  expect(nowhere.message).toContain('Next: Start the worker with the directory');
});

test('the digest of a plan is what sha256sum says of the lines as they are shown', async () => {
  const { digest } = createSystemActivities({ systemsDirectory: directory });
  const lines = ["kill -TERM 4711  # it's the api", 'pg_dump --format=custom -- orders', ''];
  const sum = execFileSync('sha256sum', { input: `${lines.join('\n')}\n`, encoding: 'utf8' });
  expect(await digest({ lines })).toBe(sum.slice(0, 64));
});

test('two different plans never have the same text', () => {
  const line = fc.string({ unit: fc.constantFrom('a', '\\', 'n', '\n'), maxLength: 5 });
  const plan = fc.array(line, { maxLength: 3 });
  fc.assert(
    fc.property(plan, plan, (a, b) => {
      expect(canonical(a) === canonical(b)).toBe(JSON.stringify(a) === JSON.stringify(b));
    }),
    { numRuns: 3000 },
  );
});
