import type { Dialect } from '../dialect.ts';

/** What workflows of a CRM asked us to do, with our answers, and the workflows that wait for a reward. */
export const name = 'workflow-actions';

export function statements({ ddl }: Dialect): string[] {
  const { int, text, table } = ddl;
  const isOfConnection = 'FOREIGN KEY (account_id, connection_id) REFERENCES connections (account_id, id)';
  return [
    // One row for each call; the CRM makes it again until it is answered. Answers hold no name and no address.
    `CREATE TABLE workflow_calls (
      account_id ${text} NOT NULL,
      connection_id ${text} NOT NULL,
      callback_id ${text} NOT NULL,
      action ${text} NOT NULL,
      input_hash ${text} NOT NULL,
      begun_at ${int} NOT NULL,
      leased_until ${int} NOT NULL,
      answer ${text},
      answered_at ${int},
      PRIMARY KEY (account_id, connection_id, callback_id),
      ${isOfConnection}
    ) ${table}`,

    `CREATE TABLE workflow_waits (
      account_id ${text} NOT NULL,
      connection_id ${text} NOT NULL,
      callback_id ${text} NOT NULL,
      referral_id ${text} NOT NULL,
      program_id ${text},
      rule_key ${text},
      party ${text},
      deal_id ${text},
      state ${text} NOT NULL CHECK (state IN ('waiting', 'completed', 'expired', 'forgotten')),
      outcome ${text},
      begun_at ${int} NOT NULL,
      expires_at ${int} NOT NULL,
      wanted ${int} NOT NULL,
      run_at ${int} NOT NULL,
      due_at ${int},
      claim ${text},
      attempts ${int} NOT NULL,
      parked ${int} NOT NULL CHECK (parked IN (0, 1)),
      error ${text},
      PRIMARY KEY (account_id, connection_id, callback_id),
      ${isOfConnection}
    ) ${table}`,
    'CREATE INDEX workflow_waits_parked ON workflow_waits (account_id, connection_id) WHERE parked = 1',
    'CREATE INDEX workflow_waits_by_due ON workflow_waits (account_id, connection_id, due_at)',
    "CREATE INDEX workflow_waits_by_referral ON workflow_waits (account_id, referral_id) WHERE state = 'waiting'",
  ];
}
