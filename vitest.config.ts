import { defineConfig } from 'vitest/config';

/** They use both cores themselves, or measure what a machine can do. */
const ALONE = ['test/load/**/*.test.ts', 'test/simulation/**/*.test.ts'];

export default defineConfig({
  oxc: { jsx: { runtime: 'automatic' } },
  test: {
    // Real databases, a real browser and killed processes share two cores: a slow machine must not fail an honest test.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'together',
          include: ['test/**/*.test.{ts,tsx}'],
          exclude: ALONE,
          globalSetup: 'test/support/console-build.ts',
          // Most of them wait for a socket, a disk or a clock: on two cores four at a time take three quarters of what three do.
          maxWorkers: 4,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: { name: 'alone', include: ALONE, maxWorkers: 1, sequence: { groupOrder: 1 } },
      },
    ],
  },
});
