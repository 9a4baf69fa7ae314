import type { Dialect } from '../dialect.ts';

/** Credentials of providers, what they gave and said, the pool of codes, and batches that people pay. */
export const name = 'payouts';

const AMOUNT_MINOR_MAX = '1000000000000000';

export function statements({ ddl }: Dialect): string[] {
  const { int, text, table } = ddl;
  const amount = `minor ${int} NOT NULL CHECK (minor BETWEEN 1 AND ${AMOUNT_MINOR_MAX})`;
  return [
    `CREATE TABLE payout_settings (
      account_id ${text} NOT NULL REFERENCES accounts (id),
      provider ${text} NOT NULL,
      sealed ${text} NOT NULL,
      updated_at ${int} NOT NULL,
      version ${int} NOT NULL,
      PRIMARY KEY (account_id, provider)
    ) ${table}`,
    // One row for each order that was tried at a provider: when first, and what came of it.
    `CREATE TABLE payout_references (
      account_id ${text} NOT NULL,
      intent_id ${text} NOT NULL,
      reward_id ${text} NOT NULL,
      provider ${text} NOT NULL,
      first_tried_at ${int} NOT NULL,
      reference ${text},
      voucher ${text},
      state ${text} NOT NULL,
      updated_at ${int} NOT NULL,
      PRIMARY KEY (account_id, intent_id),
      FOREIGN KEY (account_id, intent_id) REFERENCES intents (account_id, id)
    ) ${table}`,
    'CREATE INDEX payout_references_by_reference ON payout_references (account_id, provider, reference)',
    'CREATE INDEX payout_references_by_reward ON payout_references (account_id, reward_id)',
    'CREATE INDEX payout_references_by_time ON payout_references (account_id, provider, first_tried_at, intent_id)',
    // What providers told, once each. `effect` is null until it was applied.
    `CREATE TABLE payout_news (
      account_id ${text} NOT NULL REFERENCES accounts (id),
      provider ${text} NOT NULL,
      event_id ${text} NOT NULL,
      kind ${text} NOT NULL,
      intent_id ${text},
      reference ${text},
      why ${text},
      facts ${text},
      at ${int} NOT NULL,
      received_at ${int} NOT NULL,
      effect ${text},
      settled_at ${int},
      PRIMARY KEY (account_id, provider, event_id)
    ) ${table}`,
    'CREATE INDEX payout_news_by_key ON payout_news (account_id, provider, intent_id) WHERE effect IS NULL',
    'CREATE INDEX payout_news_by_reference ON payout_news (account_id, provider, reference) WHERE effect IS NULL',
    `CREATE TABLE coupon_codes (
      account_id ${text} NOT NULL REFERENCES accounts (id),
      code_hash ${text} NOT NULL,
      sealed ${text} NOT NULL,
      ${amount},
      currency ${text} NOT NULL,
      added_at ${int} NOT NULL,
      intent_id ${text},
      given_at ${int},
      redeemed_at ${int},
      withdrawn_at ${int},
      PRIMARY KEY (account_id, code_hash),
      UNIQUE (account_id, intent_id)
    ) ${table}`,
    'CREATE INDEX coupon_codes_by_time ON coupon_codes (account_id, given_at, code_hash)',
    `CREATE INDEX coupon_codes_free ON coupon_codes (account_id, currency, minor, added_at, code_hash)
      WHERE intent_id IS NULL AND withdrawn_at IS NULL`,
    `CREATE TABLE manual_batches (
      account_id ${text} NOT NULL REFERENCES accounts (id),
      id ${text} NOT NULL,
      number ${int} NOT NULL,
      opened_at ${int} NOT NULL,
      cut_at ${int},
      PRIMARY KEY (account_id, id),
      UNIQUE (account_id, number)
    ) ${table}`,
    // Orders join the one that is open.
    'CREATE UNIQUE INDEX manual_batches_one_open ON manual_batches (account_id) WHERE cut_at IS NULL',
    `CREATE TABLE manual_items (
      account_id ${text} NOT NULL,
      intent_id ${text} NOT NULL,
      reward_id ${text} NOT NULL,
      batch_id ${text} NOT NULL,
      ${amount},
      currency ${text} NOT NULL,
      state ${text} NOT NULL CHECK (state IN ('waiting', 'paid', 'refused', 'withdrawn')),
      why ${text},
      added_at ${int} NOT NULL,
      settled_at ${int},
      PRIMARY KEY (account_id, intent_id),
      FOREIGN KEY (account_id, batch_id) REFERENCES manual_batches (account_id, id)
    ) ${table}`,
    'CREATE INDEX manual_items_by_time ON manual_items (account_id, added_at, intent_id)',
    'CREATE INDEX manual_items_by_batch ON manual_items (account_id, batch_id, added_at, intent_id)',
  ];
}
