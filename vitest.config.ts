import { defineConfig } from 'vitest/config';

export default defineConfig({
  oxc: { jsx: { runtime: 'automatic' } },
  test: {
    include: ['test/**/*.test.{ts,tsx}'],
    // Real databases, a real browser and killed processes share two cores: a slow machine must not fail an honest test.
    testTimeout: 60_000,
    // Most of them wait for a socket, a disk or a clock: on the two cores that such machines have, three at a time take half as long as one.
    maxWorkers: 3,
    hookTimeout: 120_000,
  },
});
