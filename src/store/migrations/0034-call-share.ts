import type { Dialect } from '../dialect.ts';

/** How many percent of a CRM's API calls of a day are taken at most, where somebody has said so. */
export const name = 'call-share';

export function statements({ ddl }: Dialect): string[] {
  return [`ALTER TABLE connections ADD COLUMN call_share ${ddl.int} CHECK (call_share BETWEEN 1 AND 100)`];
}
