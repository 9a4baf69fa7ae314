import type { Dialect } from '../dialect.ts';

/** What the lists of the console are looked through by, and the views of them that people keep. */
export const name = 'console-lists';

export function statements({ ddl }: Dialect): string[] {
  const { int, text, table } = ddl;
  return [
    // A name in lower case: people look for somebody without knowing how the name is written.
    `ALTER TABLE members ADD COLUMN name_key ${text}`,
    `ALTER TABLE referrals ADD COLUMN friend_key ${text}`,
    'UPDATE members SET name_key = lower(name) WHERE name IS NOT NULL',
    'UPDATE referrals SET friend_key = lower(friend_name) WHERE friend_name IS NOT NULL',
    'CREATE INDEX members_by_name ON members (account_id, name_key) WHERE name_key IS NOT NULL',
    'CREATE INDEX members_staff ON members (account_id, created_at, id) WHERE is_staff = 1',
    'CREATE INDEX referrals_by_name ON referrals (account_id, friend_key) WHERE friend_key IS NOT NULL',
    'CREATE INDEX referrals_by_program ON referrals (account_id, program_id, stage, submitted_at, id)',
    'CREATE INDEX rewards_by_party ON rewards (account_id, party, state, created_at, id)',
    'CREATE INDEX rewards_by_currency ON rewards (account_id, currency, party, state, created_at, id)',
    `CREATE TABLE user_views (
      account_id ${text} NOT NULL REFERENCES accounts (id),
      id ${text} NOT NULL,
      owner ${text} NOT NULL,
      list ${text} NOT NULL,
      name ${text} NOT NULL,
      search ${text} NOT NULL,
      saved_at ${int} NOT NULL,
      PRIMARY KEY (account_id, id),
      UNIQUE (account_id, owner, list, name)
    ) ${table}`,
  ];
}
