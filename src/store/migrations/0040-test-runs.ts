import type { Dialect } from '../dialect.ts';

/** Tests of a program, each in an account of its own that only names whose it is. */
export const name = 'test-runs';

export function statements({ ddl }: Dialect): string[] {
  const { int, text, table } = ddl;
  return [
    // Whose test the account, or the connection, is; null for what is no test.
    `ALTER TABLE accounts ADD COLUMN test_of ${text}`,
    `ALTER TABLE connections ADD COLUMN test_of ${text}`,
    // Names nobody: who takes part stands in the test's own account, where they can be forgotten.
    `CREATE TABLE test_runs (
      account_id ${text} NOT NULL REFERENCES accounts (id),
      id ${text} NOT NULL,
      connection_id ${text} NOT NULL,
      test_account_id ${text} NOT NULL UNIQUE REFERENCES accounts (id),
      program_id ${text} NOT NULL,
      program_name ${text} NOT NULL,
      origin ${text} NOT NULL CHECK (origin IN ('draft', 'published')),
      revision ${int} NOT NULL,
      payouts ${text} NOT NULL,
      skips_waits ${int} NOT NULL CHECK (skips_waits IN (0, 1)),
      friend_contact_id ${text} NOT NULL,
      member_id ${text},
      referral_id ${text},
      state ${text} NOT NULL CHECK (state IN ('running', 'ending', 'ended')),
      started_by ${text} NOT NULL,
      started_at ${int} NOT NULL,
      ends_at ${int} NOT NULL,
      end_reason ${text} CHECK (end_reason IN ('person', 'time', 'program', 'connection', 'broken')),
      ended_by ${text},
      ended_at ${int},
      PRIMARY KEY (account_id, id),
      FOREIGN KEY (account_id, connection_id) REFERENCES connections (account_id, id),
      CHECK ((state = 'running') = (ended_at IS NULL))
    ) ${table}`,
    `CREATE UNIQUE INDEX test_runs_one_open ON test_runs (account_id, connection_id) WHERE state <> 'ended'`,
    'CREATE INDEX test_runs_by_connection ON test_runs (account_id, connection_id)',
    'CREATE INDEX test_runs_by_time ON test_runs (account_id, started_at, id)',
  ];
}
