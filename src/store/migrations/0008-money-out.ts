import type { Dialect } from '../dialect.ts';

/** What happens around a payment: batches of any provider, what was given and is undone, refunds, and what was compared. */
export const name = 'money-out';

const AMOUNT_MINOR_MAX = '1000000000000000';

export function statements({ ddl }: Dialect): string[] {
  const { int, text, table } = ddl;
  return [
    // An order is carried out, and later perhaps undone: one row, one thing at a time.
    `ALTER TABLE intents ADD COLUMN kind ${text} NOT NULL DEFAULT 'issue'`,
    `ALTER TABLE rewards ADD COLUMN cancels_issued ${int} NOT NULL DEFAULT 0`,
    `ALTER TABLE rewards ADD COLUMN expires_after_days ${int}`,
    `ALTER TABLE rewards ADD COLUMN expires_at ${int}`,
    `ALTER TABLE rewards ADD COLUMN written_off ${int} NOT NULL DEFAULT 0`,

    // Batches of any provider. What was closed until now was somebody's to pay at once.
    `ALTER TABLE manual_batches ADD COLUMN provider ${text} NOT NULL DEFAULT 'manual'`,
    `ALTER TABLE manual_batches ADD COLUMN cut_by ${text}`,
    `ALTER TABLE manual_batches ADD COLUMN approved_at ${int}`,
    `ALTER TABLE manual_batches ADD COLUMN approved_by ${text}`,
    `ALTER TABLE manual_batches ADD COLUMN exported_at ${int}`,
    'UPDATE manual_batches SET approved_at = cut_at, exported_at = cut_at WHERE cut_at IS NOT NULL',
    'DROP INDEX manual_batches_one_open',
    'CREATE UNIQUE INDEX manual_batches_one_open ON manual_batches (account_id, provider) WHERE cut_at IS NULL',
    `CREATE TABLE payout_schedules (
      account_id ${text} NOT NULL REFERENCES accounts (id),
      provider ${text} NOT NULL,
      schedule ${text},
      approval ${text} NOT NULL CHECK (approval IN ('none', 'required', 'four_eyes')),
      next_cut_at ${int},
      updated_at ${int} NOT NULL,
      PRIMARY KEY (account_id, provider)
    ) ${table}`,
    'CREATE INDEX payout_schedules_by_due ON payout_schedules (next_cut_at) WHERE next_cut_at IS NOT NULL',

    // Payments of friends that were given back, each once by the id that its source has for it.
    `CREATE TABLE refunds (
      account_id ${text} NOT NULL REFERENCES accounts (id),
      id ${text} NOT NULL,
      source ${text} NOT NULL,
      refund_id ${text} NOT NULL,
      connection_id ${text},
      deal_id ${text},
      minor ${int} NOT NULL CHECK (minor BETWEEN 1 AND ${AMOUNT_MINOR_MAX}),
      currency ${text} NOT NULL,
      at ${int} NOT NULL,
      undone_at ${int},
      received_at ${int} NOT NULL,
      PRIMARY KEY (account_id, source, refund_id)
    ) ${table}`,
    'CREATE INDEX refunds_by_deal ON refunds (account_id, connection_id, deal_id)',
    'CREATE INDEX refunds_by_time ON refunds (account_id, received_at, id)',

    `CREATE TABLE payout_reports (
      account_id ${text} NOT NULL REFERENCES accounts (id),
      id ${text} NOT NULL,
      provider ${text} NOT NULL,
      from_at ${int} NOT NULL,
      to_at ${int} NOT NULL,
      report ${text} NOT NULL,
      made_by ${text} NOT NULL,
      made_at ${int} NOT NULL,
      PRIMARY KEY (account_id, id)
    ) ${table}`,
    'CREATE INDEX payout_reports_by_time ON payout_reports (account_id, made_at, id)',
    ...ddl.appendOnly('payout_reports'),
  ];
}
