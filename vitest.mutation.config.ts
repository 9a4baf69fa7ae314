import { defineConfig } from 'vitest/config';

/** What mutants of the domain are tried against: its own tests, which need no database and no service. */
export default defineConfig({ test: { include: ['test/domain/**/*.test.ts'], testTimeout: 60_000 } });
