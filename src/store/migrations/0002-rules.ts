import type { Dialect } from '../dialect.ts';

/** Limits, budgets, reviews, partial claw-backs: what rules can ask since then, and what a decision says of how its amount came about. */
export const name = 'rules';

export function statements({ ddl }: Dialect): string[] {
  const { int, text, table } = ddl;
  return [
    `ALTER TABLE decisions ADD COLUMN calculation ${text} NOT NULL DEFAULT '[]'`,
    `ALTER TABLE rewards ADD COLUMN order_at ${int}`,
    `ALTER TABLE rewards ADD COLUMN review ${text} NOT NULL DEFAULT 'none'`,
    `ALTER TABLE rewards ADD COLUMN netted ${int} NOT NULL DEFAULT 0`,
    `ALTER TABLE rewards ADD COLUMN clawed_back ${int} NOT NULL DEFAULT 0`,
    `ALTER TABLE rewards ADD COLUMN uses ${text} NOT NULL DEFAULT '[]'`,

    // Running totals beside the books: won referrals of a member, what limits have let through, what is left of a budget, what is owed back.
    `CREATE TABLE tallies (
      account_id ${text} NOT NULL REFERENCES accounts (id),
      owner ${text} NOT NULL,
      tally_key ${text} NOT NULL,
      currency ${text} NOT NULL,
      amount_count ${int} NOT NULL,
      minor ${int} NOT NULL,
      PRIMARY KEY (account_id, owner, tally_key, currency)
    ) ${table}`,
    `INSERT INTO tallies (account_id, owner, tally_key, currency, amount_count, minor)
      SELECT account_id, member_id, 'won', '', count(*), 0 FROM referrals WHERE stage = 'won' GROUP BY account_id, member_id`,
    `INSERT INTO tallies (account_id, owner, tally_key, currency, amount_count, minor)
      SELECT account_id, beneficiary_id, 'owed', currency, 0, sum(minor) FROM rewards
      WHERE state = 'clawed_back' AND payout <> 'credit' GROUP BY account_id, beneficiary_id, currency`,

    // Deals whose reward waits for room in a tally, longest waiting first.
    `CREATE TABLE tally_waits (
      account_id ${text} NOT NULL REFERENCES accounts (id),
      owner ${text} NOT NULL,
      tally_key ${text} NOT NULL,
      currency ${text} NOT NULL,
      connection_id ${text} NOT NULL,
      object ${text} NOT NULL,
      record_id ${text} NOT NULL,
      since ${int} NOT NULL,
      PRIMARY KEY (account_id, owner, tally_key, currency, connection_id, object, record_id)
    ) ${table}`,
    'CREATE INDEX tally_waits_by_age ON tally_waits (account_id, owner, tally_key, currency, since)',

    // What was put into a program's budget, and by whom.
    `CREATE TABLE budget_entries (
      account_id ${text} NOT NULL REFERENCES accounts (id),
      program_id ${text} NOT NULL,
      id ${text} NOT NULL,
      currency ${text} NOT NULL,
      minor ${int} NOT NULL,
      entered_by ${text} NOT NULL,
      note ${text} NOT NULL,
      entered_at ${int} NOT NULL,
      PRIMARY KEY (account_id, program_id, id)
    ) ${table}`,
    'CREATE INDEX budget_entries_by_time ON budget_entries (account_id, program_id, entered_at, id)',
    ...ddl.appendOnly('budget_entries'),
  ];
}
