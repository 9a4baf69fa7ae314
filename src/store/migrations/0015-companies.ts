import type { Dialect } from '../dialect.ts';

/** Colleagues of a friend: contacts by the company that the CRM names first for them, and referrals that follow one. */
export const name = 'companies';

export function statements({ ddl }: Dialect): string[] {
  const { int, text } = ddl;
  return [
    `ALTER TABLE records ADD COLUMN company_id ${text}`,
    'CREATE INDEX records_by_company ON records (account_id, connection_id, company_id) WHERE company_id IS NOT NULL',
    `ALTER TABLE referrals ADD COLUMN follows_referral_id ${text}`,
    `ALTER TABLE referrals ADD COLUMN follows_since ${int}`,
  ];
}
