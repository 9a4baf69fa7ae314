import { defineConfig } from 'vitest/config';

/**
 * What mutants of the domain are tried against: its own tests, which need no database and no service. Of the model's histories twenty: they run once for each mutant.
 * MUTATE_WITH names fewer: money needs its own tests alone.
 */
export default defineConfig({
  test: {
    include: [process.env.MUTATE_WITH ?? 'test/domain/**/*.test.ts'],
    testTimeout: 60_000,
    env: { MODEL_RUNS: '20', MODEL_SEED: '20261122' },
  },
});
