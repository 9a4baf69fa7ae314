import { defineConfig } from 'vitest/config';

export default defineConfig({
  oxc: { jsx: { runtime: 'automatic' } },
  test: {
    include: ['test/**/*.test.{ts,tsx}'],
    // Real databases, a real browser and killed processes share two cores: a slow machine must not fail an honest test.
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
