import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Measurements, and the whole crash matrix, have commands of their own: `npm run bench`, `npm run crash`.
    exclude: ['test/bench/**', 'test/crash/matrix/**'],
    globalSetup: ['test/support/global-setup.ts'],
    pool: 'forks',
    maxWorkers: 2,
    // Real servers on a loaded machine; no test asserts a time.
    testTimeout: 120_000,
    hookTimeout: 180_000,
    teardownTimeout: 60_000,
  },
});
