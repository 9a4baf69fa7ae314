import type { Dialect } from '../dialect.ts';

/** Tiers of members, recruiters, attribution as a policy of its own and every decision on whose a referral is. */
export const name = 'tiers';

export function statements({ ddl }: Dialect): string[] {
  const { int, text, table } = ddl;
  return [
    `ALTER TABLE programs ADD COLUMN tiers ${text}`,
    `ALTER TABLE members ADD COLUMN is_staff ${int} NOT NULL DEFAULT 0`,
    `ALTER TABLE referrals ADD COLUMN won_deals ${text}`,
    `ALTER TABLE referrals ADD COLUMN recruiter_id ${text}`,
    `ALTER TABLE referrals ADD COLUMN moved_at ${int}`,
    `ALTER TABLE referrals ADD COLUMN doubt ${text}`,

    // Where members stood in a program, one row for each change; the highest sequence holds.
    `CREATE TABLE tier_changes (
      account_id ${text} NOT NULL,
      id ${text} NOT NULL,
      member_id ${text} NOT NULL,
      program_id ${text} NOT NULL,
      program_version ${int} NOT NULL,
      sequence ${int} NOT NULL CHECK (sequence > 0),
      move ${text} NOT NULL CHECK (move IN ('reached', 'at_risk', 'kept', 'lost')),
      from_tier ${text},
      to_tier ${text},
      reason ${text} NOT NULL,
      evidence ${text} NOT NULL,
      recorded_at ${int} NOT NULL,
      PRIMARY KEY (account_id, id),
      UNIQUE (account_id, member_id, program_id, sequence),
      FOREIGN KEY (account_id, member_id) REFERENCES members (account_id, id)
    ) ${table}`,
    'CREATE INDEX tier_changes_by_time ON tier_changes (account_id, recorded_at, id)',
    'CREATE INDEX tier_changes_by_member ON tier_changes (account_id, member_id, recorded_at, id)',
    // What a member has done, where a program counts it.
    'CREATE INDEX touches_by_member ON touches (account_id, member_id, at)',
    ...ddl.appendOnly('tier_changes'),

    // Members whose tier is to be looked at, news or not: a window moves on, and a grace ends.
    `CREATE TABLE tier_looks (
      account_id ${text} NOT NULL,
      member_id ${text} NOT NULL,
      program_id ${text} NOT NULL,
      at ${int} NOT NULL,
      PRIMARY KEY (account_id, member_id, program_id),
      FOREIGN KEY (account_id, member_id) REFERENCES members (account_id, id)
    ) ${table}`,
    'CREATE INDEX tier_looks_by_time ON tier_looks (at)',
    'CREATE INDEX tier_looks_of_account ON tier_looks (account_id, at)',

    `CREATE TABLE attribution_policies (
      account_id ${text} NOT NULL REFERENCES accounts (id),
      version ${int} NOT NULL CHECK (version > 0),
      policy ${text} NOT NULL,
      content_hash ${text} NOT NULL,
      published_at ${int} NOT NULL,
      published_by ${text} NOT NULL,
      PRIMARY KEY (account_id, version)
    ) ${table}`,
    ...ddl.appendOnly('attribution_policies'),

    // Whose a referral was decided to be, among whom, and why; the highest sequence holds.
    `CREATE TABLE attribution_decisions (
      account_id ${text} NOT NULL,
      id ${text} NOT NULL,
      referral_id ${text} NOT NULL,
      sequence ${int} NOT NULL CHECK (sequence > 0),
      kind ${text} NOT NULL CHECK (kind IN ('attributed', 'moved')),
      member_id ${text} NOT NULL,
      from_member_id ${text},
      policy_version ${int},
      reason ${text} NOT NULL,
      candidates ${text} NOT NULL,
      recorded_at ${int} NOT NULL,
      PRIMARY KEY (account_id, id),
      UNIQUE (account_id, referral_id, sequence),
      FOREIGN KEY (account_id, referral_id) REFERENCES referrals (account_id, id)
    ) ${table}`,
    ...ddl.appendOnly('attribution_decisions'),
  ];
}
