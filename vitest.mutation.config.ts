import { defineConfig } from 'vitest/config';

/** What mutants of the domain are tried against: its own tests, which need no database and no service. Of the model's histories twenty: they run once for each mutant. */
export default defineConfig({
  test: {
    include: ['test/domain/**/*.test.ts'],
    testTimeout: 60_000,
    env: { MODEL_RUNS: '20', MODEL_SEED: '20261122' },
  },
});
