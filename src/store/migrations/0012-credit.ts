import type { Dialect } from '../dialect.ts';

/** Credit for a referral that two members share. */
export const name = 'credit';

export function statements({ ddl }: Dialect): string[] {
  const { int, text } = ddl;
  return [
    `ALTER TABLE referrals ADD COLUMN assist_member_id ${text}`,
    `ALTER TABLE referrals ADD COLUMN assist_percent ${int}`,
    `ALTER TABLE referrals ADD COLUMN assist_since ${int}`,
    `ALTER TABLE referrals ADD COLUMN assist_until ${int}`,
    'CREATE INDEX referrals_by_assist ON referrals (account_id, assist_member_id, submitted_at, id) WHERE assist_member_id IS NOT NULL',
  ];
}
