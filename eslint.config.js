/**
 * Lint rules: forgotten promises, and the doors between the folders of src/. Which folder may import what is said in
 * docs; here it is held. test/tools/doors.test.ts proves that each door is shut.
 */
import { builtinModules } from 'node:module';

import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** Imports of folders of src/ from inside another folder (`../../exec/run.ts`). */
const folders = (names, message, options = {}) => ({
  regex: `^(\\.\\./)+(${names.join('|')})/`,
  message,
  ...options,
});

/** The same from src/ itself (`./exec/run.ts`). */
const foldersBelow = (names, message) => ({ regex: `^\\./(${names.join('|')})/`, message });

const processes = {
  regex: '^(node:)?child_process$|^(execa|cross-spawn|zx)$',
  message: 'Only src/exec starts processes: limits, redaction and cancellation live there.',
};
const exec = 'Only activities/ start processes.';
const builtins = `^(node:.*|${builtinModules.filter((name) => !name.startsWith('_')).join('|')})$`;

/** A rule replaces the one of an earlier block: each folder lists all that is shut for it. */
const closed = (...patterns) => ({
  '@typescript-eslint/no-restricted-imports': ['error', { patterns }],
});

/** Ways round the rule above, which sees import statements alone. */
const noImportsAtRunTime = [
  {
    selector: 'ImportExpression[source.value=/^(node:)?(child_process|module)$/]',
    message: processes.message,
  },
  {
    selector:
      "VariableDeclarator[init.callee.name='createRequire'], CallExpression[callee.callee.name='createRequire']",
    message: 'createRequire goes round the doors between the folders.',
  },
  {
    selector: "MemberExpression[property.name='getBuiltinModule']",
    message: 'getBuiltinModule goes round the doors between the folders.',
  },
];

const clock = 'Time, chance and timers of workflows come from Temporal: use src/workflows/parts/clock.ts.';

export default defineConfig(
  globalIgnores(['node_modules/', 'dist/', 'coverage/', '.cache/', '.demo/']),
  tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      // An implementation of an asynchronous interface may have nothing to wait for.
      '@typescript-eslint/require-await': 'off',
      eqeqeq: 'error',
      'no-control-regex': 'error',
      'no-fallthrough': 'error',
      'no-unsafe-finally': 'error',
      'no-self-compare': 'error',
      'no-restricted-syntax': ['error', ...noImportsAtRunTime],
    },
  },
  { rules: closed(processes) },
  {
    files: ['src/**'],
    rules: closed(processes, folders(['exec'], exec), foldersBelow(['exec'], exec)),
  },
  {
    files: ['src/inventory/**'],
    rules: closed(
      processes,
      folders(
        ['workflows', 'activities', 'exec', 'temporal', 'gateway', 'client'],
        'inventory/ imports nothing of ours.',
      ),
      { regex: '^(\\.\\./)+worker\\.ts$', message: 'inventory/ imports nothing of ours.' },
    ),
  },
  {
    files: ['src/activities/**'],
    rules: closed(
      processes,
      folders(
        ['workflows', 'client', 'gateway'],
        'activities/ never imports workflows/, client/ or gateway/.',
      ),
    ),
  },
  {
    files: ['src/exec/**'],
    rules: closed(
      folders(
        ['workflows', 'activities', 'gateway', 'client', 'temporal'],
        'exec/ starts processes and knows nothing of what for.',
      ),
    ),
  },
  {
    files: ['src/workflows/**'],
    rules: {
      ...closed(
        { regex: builtins, message: 'Workflows are deterministic: no built-ins of Node.' },
        folders(['activities'], 'workflows/ imports only types of activities/.', { allowTypeImports: true }),
        {
          // What the names of search attributes are is said once.
          regex: '^(\\.\\./)+(?!temporal/search-attributes\\.ts$)(temporal|gateway|client|exec)/',
          message: 'workflows/ imports inventory/ and its own parts/.',
        },
        {
          regex: '^@temporalio/(?!workflow$|common$|common/)',
          message: 'Workflows import @temporalio/workflow and @temporalio/common alone.',
          allowTypeImports: true,
        },
        { regex: '(^|/)worker\\.ts$', message: 'workflows/ never imports the worker.' },
      ),
      'no-restricted-globals': [
        'error',
        ...[
          'setTimeout',
          'setInterval',
          'setImmediate',
          'process',
          'Buffer',
          'fetch',
          'crypto',
          'performance',
        ].map((name) => ({ name, message: clock })),
      ],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: clock },
        { object: 'Math', property: 'random', message: clock },
      ],
      'no-restricted-syntax': [
        'error',
        ...noImportsAtRunTime,
        { selector: 'ImportExpression', message: 'Workflows are bundled: no imports at run time.' },
        { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: clock },
        { selector: "CallExpression[callee.name='Date']", message: clock },
        {
          selector: "MemberExpression[object.name='globalThis']",
          message: 'globalThis goes round the rules for workflows.',
        },
      ],
    },
  },
  {
    // Inside Temporal's sandbox Date and Math.random are deterministic; one file uses them, and says so.
    files: ['src/workflows/parts/clock.ts'],
    rules: { 'no-restricted-properties': 'off', 'no-restricted-syntax': ['error', ...noImportsAtRunTime] },
  },
  {
    files: ['tools/**', 'test/**', 'demo/**', 'bin/**', '*.config.*'],
    rules: { '@typescript-eslint/no-restricted-imports': 'off', 'no-restricted-syntax': 'off' },
  },
  {
    files: ['**/*.js', '**/*.mjs'],
    extends: [tseslint.configs.disableTypeChecked],
    languageOptions: { globals: { console: 'readonly', process: 'readonly' } },
  },
);
