import type { Dialect } from '../dialect.ts';

/**
 * By which versions a record was last decided on, as `<policy for several connections> <mapping>`. Nodes' clocks differ, so that the times of a
 * version and of a reading do not tell it. Empty for what was read before there was such a column.
 */
export const name = 'judged-by';

export function statements({ ddl }: Dialect): string[] {
  return [`ALTER TABLE records ADD COLUMN judged_by ${ddl.text}`];
}
