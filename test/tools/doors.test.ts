import path from 'node:path';

import { ESLint } from 'eslint';
import { beforeAll, expect, test } from 'vitest';

const root = path.dirname(path.dirname(import.meta.dirname));
let eslint: ESLint;

beforeAll(() => {
  eslint = new ESLint({
    cwd: root,
    // The files are imagined, so they have no types; the doors need none.
    overrideConfig: {
      files: ['**/*.ts'],
      languageOptions: { parserOptions: { projectService: false, project: null } },
      rules: Object.fromEntries(typeAware.map((rule) => [rule, 'off' as const])),
    },
  });
});

const typeAware = [
  'await-thenable',
  'no-array-delete',
  'no-base-to-string',
  'no-duplicate-type-constituents',
  'no-floating-promises',
  'no-for-in-array',
  'no-implied-eval',
  'no-misused-promises',
  'no-redundant-type-constituents',
  'no-unnecessary-type-assertion',
  'no-unsafe-argument',
  'no-unsafe-assignment',
  'no-unsafe-call',
  'no-unsafe-enum-comparison',
  'no-unsafe-member-access',
  'no-unsafe-return',
  'no-unsafe-unary-minus',
  'only-throw-error',
  'prefer-promise-reject-errors',
  'restrict-plus-operands',
  'restrict-template-expressions',
  'switch-exhaustiveness-check',
  'unbound-method',
].map((rule) => `@typescript-eslint/${rule}`);

/** The door rules that `code` breaks in the imagined file. */
async function broken(file: string, code: string): Promise<string[]> {
  const [result] = await eslint.lintText(code, { filePath: path.join(root, file) });
  const messages = result?.messages ?? [];
  expect(messages.filter((message) => message.fatal === true)).toEqual([]);
  return messages
    .map((message) => message.ruleId ?? '')
    .filter((rule) => rule.includes('no-restricted'))
    .map((rule) => rule.replace('@typescript-eslint/', ''));
}

const imports = (source: string) => `import { x } from '${source}'; export const y = x;`;
const types = (source: string) => `import type { X } from '${source}'; export type Y = X;`;

test.each([
  ['src/workflows/stop.ts', imports('../activities/index.ts')],
  ['src/workflows/parts/step.ts', imports('../../activities/contract.ts')],
  ['src/workflows/stop.ts', imports('../exec/run.ts')],
  ['src/workflows/stop.ts', types('../exec/contract.ts')],
  ['src/workflows/stop.ts', imports('../client/main.ts')],
  ['src/workflows/stop.ts', imports('../gateway/server.ts')],
  ['src/workflows/stop.ts', imports('../temporal/connection.ts')],
  ['src/workflows/stop.ts', imports('../worker.ts')],
  ['src/workflows/stop.ts', imports('node:fs')],
  ['src/workflows/stop.ts', imports('crypto')],
  ['src/workflows/stop.ts', imports('fs/promises')],
  ['src/workflows/stop.ts', imports('@temporalio/client')],
  ['src/activities/stores/postgres.ts', imports('../../workflows/index.ts')],
  ['src/activities/call.ts', types('../workflows/contract.ts')],
  ['src/activities/call.ts', imports('../client/main.ts')],
  ['src/activities/call.ts', imports('../gateway/server.ts')],
  ['src/activities/call.ts', imports('node:child_process')],
  ['src/activities/call.ts', imports('child_process')],
  ['src/inventory/load.ts', imports('../activities/failures.ts')],
  ['src/inventory/schema/store.ts', types('../../workflows/contract.ts')],
  ['src/inventory/load.ts', imports('../temporal/logger.ts')],
  ['src/inventory/load.ts', imports('../exec/run.ts')],
  ['src/exec/run.ts', imports('../activities/call.ts')],
  ['src/client/run.ts', imports('../exec/run.ts')],
  ['src/gateway/server.ts', imports('../exec/run.ts')],
  ['src/gateway/server.ts', imports('node:child_process')],
  ['src/worker.ts', imports('./exec/run.ts')],
  ['src/temporal/connection.ts', imports('node:child_process')],
])('%s may not contain: %s', async (file, code) => {
  expect(await broken(file, code)).toEqual(['no-restricted-imports']);
});

test.each([
  ['src/workflows/stop.ts', 'export const at = Date.now();', ['no-restricted-properties']],
  ['src/workflows/stop.ts', 'export const at = Math.random();', ['no-restricted-properties']],
  ['src/workflows/stop.ts', 'export const at = new Date();', ['no-restricted-syntax']],
  ['src/workflows/stop.ts', 'setTimeout(() => undefined, 1);', ['no-restricted-globals']],
  ['src/workflows/stop.ts', 'export const home = process.env.HOME;', ['no-restricted-globals']],
  ['src/workflows/stop.ts', 'export const x = globalThis.Date.now();', ['no-restricted-syntax']],
  ['src/workflows/stop.ts', "export const x = await import('zod');", ['no-restricted-syntax']],
  ['src/client/run.ts', "export const x = await import('node:child_process');", ['no-restricted-syntax']],
  [
    'src/client/run.ts',
    "export const x = process.getBuiltinModule('child_process');",
    ['no-restricted-syntax'],
  ],
  [
    'src/client/run.ts',
    "import { createRequire } from 'node:module'; createRequire('x')('y');",
    ['no-restricted-syntax'],
  ],
])('%s may not contain: %s', async (file, code, rules) => {
  expect(await broken(file, code)).toEqual(rules);
});

test.each([
  ['src/workflows/stop.ts', types('../activities/contract.ts')],
  ['src/workflows/stop.ts', imports('../inventory/duration.ts')],
  ['src/workflows/stop.ts', imports('./parts/step.ts')],
  ['src/workflows/parts/step.ts', imports('../contract.ts')],
  ['src/workflows/parts/step.ts', imports('../../temporal/search-attributes.ts')],
  ['src/workflows/parts/step.ts', imports('@temporalio/workflow')],
  ['src/workflows/parts/clock.ts', 'export const now = () => Date.now();'],
  ['src/workflows/stop.ts', 'export const at = new Date(5);'],
  ['src/activities/stores/postgres.ts', imports('../../exec/run.ts')],
  ['src/activities/index.ts', imports('../exec/run.ts')],
  ['src/activities/call.ts', imports('../inventory/load.ts')],
  ['src/exec/run.ts', imports('node:child_process')],
  ['src/client/run.ts', imports('../workflows/index.ts')],
  ['src/worker.ts', imports('./activities/index.ts')],
  ['tools/setup.ts', imports('node:child_process')],
  ['demo/demo.ts', imports('node:child_process')],
  ['test/exec/run.test.ts', imports('../../src/exec/run.ts')],
])('%s may contain: %s', async (file, code) => {
  expect(await broken(file, code)).toEqual([]);
});
