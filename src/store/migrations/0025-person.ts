import type { Dialect } from '../dialect.ts';

/**
 * A person who asks to be forgotten, and what need not be kept for ever. What is kept of a forgotten person says who it was to nobody: ids of
 * the CRM and ours, and of an address that was asked for a hash under the service's own key.
 */
export const name = 'person';

export function statements({ ddl }: Dialect): string[] {
  const { int, text, table, compact } = ddl;
  return [
    `ALTER TABLE members ADD COLUMN erased_at ${int}`,
    `ALTER TABLE referrals ADD COLUMN friend_erased_at ${int}`,
    // What was asked for, by whom, and how many rows it concerned.
    `CREATE TABLE erasures (
      account_id ${text} NOT NULL REFERENCES accounts (id),
      id ${text} NOT NULL,
      source ${text} NOT NULL CHECK (source IN ('api', 'cli', 'crm')),
      asked_by ${text} NOT NULL,
      counts ${text} NOT NULL,
      at ${int} NOT NULL,
      PRIMARY KEY (account_id, id)
    ) ${table}`,
    'CREATE INDEX erasures_by_time ON erasures (account_id, at, id)',
    ...ddl.appendOnly('erasures'),
    `CREATE TABLE erased_people (
      account_id ${text} NOT NULL,
      kind ${text} NOT NULL CHECK (kind IN ('contact', 'member', 'referral', 'email')),
      place ${text} NOT NULL,
      person ${text} NOT NULL,
      erasure_id ${text} NOT NULL,
      PRIMARY KEY (account_id, kind, place, person)
    ) ${compact}`,
    ...ddl.appendOnly('erased_people'),
    // The words of a case may name somebody. They are changed in one way only.
    ...ddl.appendOnlyBut('desk_events', {
      update: `NEW.account_id = OLD.account_id AND NEW.case_id = OLD.case_id AND NEW.number = OLD.number
        AND NEW.kind = OLD.kind AND NEW.by_whom = OLD.by_whom AND NEW.at = OLD.at AND NEW.words LIKE '%(erased)%'`,
    }),
    // Members whom a file brought in are found by what they became.
    'CREATE INDEX member_import_rows_by_member ON member_import_rows (account_id, member_id) WHERE member_id IS NOT NULL',
    // Behind which report of a connection the chain begins now, signed.
    `CREATE TABLE sync_report_anchors (
      account_id ${text} NOT NULL,
      connection_id ${text} NOT NULL,
      number ${int} NOT NULL,
      hash ${text} NOT NULL,
      signature ${text} NOT NULL,
      key_id ${text} NOT NULL,
      pruned_at ${int} NOT NULL,
      PRIMARY KEY (account_id, connection_id),
      FOREIGN KEY (account_id, connection_id) REFERENCES connections (account_id, id)
    ) ${table}`,
    ...ddl.appendOnlyBut('sync_reports', {
      delete: `EXISTS (SELECT 1 FROM sync_report_anchors AS anchor WHERE anchor.account_id = OLD.account_id
        AND anchor.connection_id = OLD.connection_id AND anchor.number >= OLD.number)`,
    }),
    'CREATE INDEX workflow_calls_by_time ON workflow_calls (account_id, connection_id, begun_at)',
  ];
}
