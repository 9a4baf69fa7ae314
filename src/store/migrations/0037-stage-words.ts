import type { Dialect } from '../dialect.ts';

/** What people said of a referral's stage before there was a deal that says it. */
export const name = 'stage-words';

export function statements({ ddl }: Dialect): string[] {
  return [`ALTER TABLE referrals ADD COLUMN stage_words ${ddl.text}`];
}
