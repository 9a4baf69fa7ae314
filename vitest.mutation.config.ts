import { defineConfig } from 'vitest/config';

/**
 * What mutants of the domain are tried against: its own tests, which need no database and no service. Of the model's histories twenty, and of each
 * property as many runs as fit into a moment: they run once for each mutant. MUTATE_WITH names fewer: money needs its own tests alone.
 */
export default defineConfig({
  test: {
    include: [process.env.MUTATE_WITH ?? 'test/domain/**/*.test.ts'],
    testTimeout: 60_000,
    setupFiles: ['test/support/short-properties.ts'],
    env: { MODEL_RUNS: '20', MODEL_SEED: '20261122' },
  },
});
