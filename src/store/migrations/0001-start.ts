import type { Dialect } from '../dialect.ts';

/** Frozen: what a released migration did is never edited, a later number changes it. So it takes nothing from the domain either. */
export const name = 'start';

const AMOUNT_MINOR_MAX = '1000000000000000';

const STANDING = "state IN ('held', 'in_review', 'approved', 'issuing', 'issued', 'redeemed', 'failed')";

export function statements({ ddl }: Dialect): string[] {
  const { int, text, table, compact } = ddl;
  const amount = (column: string) => `CHECK (${column} BETWEEN -${AMOUNT_MINOR_MAX} AND ${AMOUNT_MINOR_MAX})`;
  const queue = `
    run_at ${int} NOT NULL,
    due_at ${int},
    claim ${text},
    attempts ${int} NOT NULL,
    parked ${int} NOT NULL CHECK (parked IN (0, 1)),
    error ${text}`;

  return [
    // ── Accounts and connections ──
    `CREATE TABLE accounts (
      id ${text} NOT NULL PRIMARY KEY,
      name ${text} NOT NULL,
      created_at ${int} NOT NULL
    ) ${table}`,
    `CREATE TABLE api_keys (
      account_id ${text} NOT NULL REFERENCES accounts (id),
      id ${text} NOT NULL,
      label ${text} NOT NULL,
      hash ${text} NOT NULL UNIQUE,
      created_at ${int} NOT NULL,
      revoked_at ${int},
      PRIMARY KEY (account_id, id)
    ) ${table}`,
    `CREATE TABLE connections (
      account_id ${text} NOT NULL REFERENCES accounts (id),
      id ${text} NOT NULL,
      provider ${text} NOT NULL,
      external_id ${text} NOT NULL,
      status ${text} NOT NULL,
      status_reason ${text},
      home_currency ${text},
      time_zone ${text},
      ui_host ${text},
      scopes ${text} NOT NULL,
      connected_at ${int} NOT NULL,
      PRIMARY KEY (account_id, id),
      UNIQUE (account_id, provider, external_id)
    ) ${table}`,
    // A portal that one account has disconnected may be connected by another.
    `CREATE UNIQUE INDEX connections_one_live ON connections (provider, external_id) WHERE status = 'connected'`,
    'CREATE INDEX connections_by_external_id ON connections (provider, external_id)',
    'CREATE INDEX connections_by_status ON connections (status, account_id, id)',
    `CREATE TABLE tokens (
      account_id ${text} NOT NULL,
      connection_id ${text} NOT NULL,
      access_token ${text} NOT NULL,
      refresh_token ${text} NOT NULL,
      expires_at ${int} NOT NULL,
      version ${int} NOT NULL,
      PRIMARY KEY (account_id, connection_id),
      FOREIGN KEY (account_id, connection_id) REFERENCES connections (account_id, id)
    ) ${table}`,
    `CREATE TABLE oauth_states (
      state_hash ${text} NOT NULL PRIMARY KEY,
      account_id ${text} NOT NULL,
      provider ${text} NOT NULL,
      expires_at ${int} NOT NULL
    ) ${table}`,
    'CREATE INDEX oauth_states_by_expiry ON oauth_states (expires_at)',
    `CREATE TABLE mappings (
      account_id ${text} NOT NULL,
      connection_id ${text} NOT NULL,
      ordinal ${int} NOT NULL,
      version ${text} NOT NULL,
      entries ${text} NOT NULL,
      saved_at ${int} NOT NULL,
      PRIMARY KEY (account_id, connection_id, ordinal),
      FOREIGN KEY (account_id, connection_id) REFERENCES connections (account_id, id)
    ) ${table}`,
    ...ddl.appendOnly('mappings'),
    `CREATE TABLE sweep_marks (
      account_id ${text} NOT NULL,
      connection_id ${text} NOT NULL,
      object ${text} NOT NULL,
      up_to ${int} NOT NULL,
      PRIMARY KEY (account_id, connection_id, object)
    ) ${compact}`,

    // ── Programs ──
    `CREATE TABLE programs (
      account_id ${text} NOT NULL REFERENCES accounts (id),
      program_id ${text} NOT NULL,
      version ${int} NOT NULL,
      name ${text} NOT NULL,
      rules ${text} NOT NULL,
      published_at ${int} NOT NULL,
      PRIMARY KEY (account_id, program_id, version)
    ) ${table}`,
    ...ddl.appendOnly('programs'),

    // ── Receive ──
    `CREATE TABLE inbox (
      seq ${ddl.sequence},
      account_id ${text} NOT NULL,
      connection_id ${text} NOT NULL,
      event_key ${text} NOT NULL,
      kind ${text} NOT NULL,
      echo ${int} NOT NULL,
      occurred_at ${int},
      received_at ${int} NOT NULL,
      records ${text} NOT NULL,
      payload ${text} NOT NULL,
      UNIQUE (account_id, connection_id, event_key)
    ) ${table}`,
    'CREATE INDEX inbox_by_time ON inbox (account_id, connection_id, received_at)',
    ...ddl.appendOnly('inbox'),
    `CREATE TABLE work (
      account_id ${text} NOT NULL,
      connection_id ${text} NOT NULL,
      object ${text} NOT NULL,
      record_id ${text} NOT NULL,
      wanted ${int} NOT NULL,
      claimed_at ${int},
      erase ${int} NOT NULL CHECK (erase IN (0, 1)),
      ${queue},
      PRIMARY KEY (account_id, connection_id, object, record_id)
    ) ${table}`,
    'CREATE INDEX work_by_due ON work (account_id, connection_id, due_at)',
    `CREATE TABLE wakes (
      account_id ${text} NOT NULL,
      connection_id ${text} NOT NULL,
      object ${text} NOT NULL,
      record_id ${text} NOT NULL,
      at ${int} NOT NULL,
      PRIMARY KEY (account_id, connection_id, object, record_id, at)
    ) ${compact}`,

    // ── Referrals ──
    `CREATE TABLE members (
      account_id ${text} NOT NULL,
      id ${text} NOT NULL,
      name ${text},
      email ${text},
      code ${text} NOT NULL,
      connection_id ${text},
      contact_id ${text},
      created_at ${int} NOT NULL,
      version ${int} NOT NULL,
      PRIMARY KEY (account_id, id),
      UNIQUE (account_id, code),
      UNIQUE (account_id, connection_id, contact_id)
    ) ${table}`,
    'CREATE INDEX members_by_code ON members (code)',
    'CREATE INDEX members_unplaced ON members (account_id, created_at) WHERE contact_id IS NULL AND email IS NOT NULL',
    'CREATE INDEX members_by_email ON members (account_id, email, created_at, id)',
    'CREATE INDEX members_by_time ON members (account_id, created_at, id)',
    `CREATE TABLE referrals (
      account_id ${text} NOT NULL,
      id ${text} NOT NULL,
      program_id ${text} NOT NULL,
      member_id ${text} NOT NULL,
      friend_name ${text},
      friend_email ${text},
      connection_id ${text},
      contact_id ${text},
      source ${text} NOT NULL,
      stage ${text} NOT NULL,
      reason ${text} NOT NULL,
      stage_since ${int} NOT NULL,
      submitted_at ${int} NOT NULL,
      version ${int} NOT NULL,
      PRIMARY KEY (account_id, id),
      FOREIGN KEY (account_id, member_id) REFERENCES members (account_id, id)
    ) ${table}`,
    `CREATE UNIQUE INDEX referrals_one_per_contact ON referrals (account_id, connection_id, contact_id, program_id)
      WHERE contact_id IS NOT NULL`,
    `CREATE UNIQUE INDEX referrals_one_per_email ON referrals (account_id, program_id, friend_email)
      WHERE contact_id IS NULL AND friend_email IS NOT NULL`,
    'CREATE INDEX referrals_unplaced ON referrals (account_id, submitted_at) WHERE contact_id IS NULL AND friend_email IS NOT NULL',
    'CREATE INDEX referrals_by_email ON referrals (account_id, friend_email, submitted_at, id)',
    'CREATE INDEX referrals_by_time ON referrals (account_id, submitted_at, id)',
    'CREATE INDEX referrals_by_member ON referrals (account_id, member_id, submitted_at, id)',
    'CREATE INDEX referrals_by_stage ON referrals (account_id, stage, submitted_at, id)',
    `CREATE TABLE touches (
      account_id ${text} NOT NULL,
      id ${text} NOT NULL,
      kind ${text} NOT NULL,
      member_id ${text} NOT NULL,
      connection_id ${text},
      contact_id ${text},
      evidence ${text} NOT NULL,
      at ${int} NOT NULL,
      PRIMARY KEY (account_id, id)
    ) ${table}`,
    'CREATE INDEX touches_by_friend ON touches (account_id, connection_id, contact_id, at)',
    ...ddl.appendOnly('touches'),

    // ── Rewards and decisions ──
    `CREATE TABLE rewards (
      account_id ${text} NOT NULL,
      id ${text} NOT NULL,
      referral_id ${text} NOT NULL,
      connection_id ${text} NOT NULL,
      deal_id ${text} NOT NULL,
      rule_key ${text} NOT NULL,
      party ${text} NOT NULL,
      beneficiary_id ${text} NOT NULL,
      minor ${int} NOT NULL ${amount('minor')},
      currency ${text} NOT NULL,
      state ${text} NOT NULL,
      reason ${text} NOT NULL,
      payout ${text} NOT NULL,
      program_id ${text} NOT NULL,
      release_at ${int},
      reversal_pending ${int} NOT NULL CHECK (reversal_pending IN (0, 1)),
      created_at ${int} NOT NULL,
      updated_at ${int} NOT NULL,
      version ${int} NOT NULL,
      PRIMARY KEY (account_id, id),
      FOREIGN KEY (account_id, referral_id) REFERENCES referrals (account_id, id)
    ) ${table}`,
    // The last line against paying twice: one deal has one standing reward per rule, whoever computed it.
    `CREATE UNIQUE INDEX rewards_one_standing ON rewards (account_id, connection_id, deal_id, rule_key)
      WHERE ${STANDING} AND reversal_pending = 0`,
    'CREATE INDEX rewards_by_deal ON rewards (account_id, connection_id, deal_id, created_at, id)',
    'CREATE INDEX rewards_by_time ON rewards (account_id, created_at, id)',
    'CREATE INDEX rewards_by_referral ON rewards (account_id, referral_id, created_at, id)',
    'CREATE INDEX rewards_by_state ON rewards (account_id, state, created_at, id)',
    'CREATE INDEX rewards_by_beneficiary ON rewards (account_id, beneficiary_id, created_at, id)',
    `CREATE TABLE decisions (
      account_id ${text} NOT NULL,
      id ${text} NOT NULL,
      referral_id ${text} NOT NULL,
      connection_id ${text} NOT NULL,
      deal_id ${text} NOT NULL,
      rule_key ${text} NOT NULL,
      sequence ${int} NOT NULL,
      party ${text} NOT NULL,
      outcome ${text} NOT NULL,
      reason ${text} NOT NULL,
      conditions ${text} NOT NULL,
      minor ${int} ${amount('minor')},
      currency ${text},
      reward_id ${text},
      release_at ${int},
      effective_at ${int} NOT NULL,
      program_id ${text} NOT NULL,
      program_version ${int} NOT NULL,
      mapping_version ${text} NOT NULL,
      recorded_at ${int} NOT NULL,
      PRIMARY KEY (account_id, id),
      UNIQUE (account_id, connection_id, deal_id, referral_id, rule_key, sequence),
      FOREIGN KEY (account_id, referral_id) REFERENCES referrals (account_id, id),
      FOREIGN KEY (account_id, reward_id) REFERENCES rewards (account_id, id)
    ) ${table}`,
    'CREATE INDEX decisions_by_deal ON decisions (account_id, deal_id, recorded_at, id)',
    'CREATE INDEX decisions_by_time ON decisions (account_id, recorded_at, id)',
    'CREATE INDEX decisions_by_referral ON decisions (account_id, referral_id, recorded_at, id)',
    ...ddl.appendOnly('decisions'),

    // ── Ledger ──
    `CREATE TABLE journals (
      account_id ${text} NOT NULL,
      id ${text} NOT NULL,
      kind ${text} NOT NULL,
      reward_id ${text} NOT NULL,
      decision_id ${text},
      effective_at ${int} NOT NULL,
      recorded_at ${int} NOT NULL,
      PRIMARY KEY (account_id, id),
      FOREIGN KEY (account_id, reward_id) REFERENCES rewards (account_id, id),
      FOREIGN KEY (account_id, decision_id) REFERENCES decisions (account_id, id)
    ) ${table}`,
    'CREATE INDEX journals_by_time ON journals (account_id, recorded_at, id)',
    'CREATE INDEX journals_by_reward ON journals (account_id, reward_id, recorded_at, id)',
    // Deferred: postings come first, and whether a journal has sealed them is asked at the end of the transaction.
    `CREATE TABLE postings (
      account_id ${text} NOT NULL,
      journal_id ${text} NOT NULL,
      line ${int} NOT NULL CHECK (line >= 0),
      ledger_account ${text} NOT NULL,
      currency ${text} NOT NULL,
      minor ${int} NOT NULL ${amount('minor')},
      PRIMARY KEY (account_id, journal_id, line),
      FOREIGN KEY (account_id, journal_id) REFERENCES journals (account_id, id) DEFERRABLE INITIALLY DEFERRED
    ) ${compact}`,
    'CREATE INDEX postings_by_ledger_account ON postings (account_id, ledger_account, currency, minor)',
    ...ddl.appendOnly('journals'),
    ...ddl.appendOnly('postings'),
    ...ddl.sealJournals(),

    // ── Deliver ──
    `CREATE TABLE intents (
      account_id ${text} NOT NULL,
      id ${text} NOT NULL,
      reward_id ${text} NOT NULL,
      provider ${text} NOT NULL,
      state ${text} NOT NULL CHECK (state IN ('pending', 'done', 'cancelled')),
      ${queue},
      PRIMARY KEY (account_id, id),
      UNIQUE (account_id, reward_id),
      FOREIGN KEY (account_id, reward_id) REFERENCES rewards (account_id, id)
    ) ${table}`,
    'CREATE INDEX intents_parked ON intents (account_id) WHERE parked = 1',
    'CREATE INDEX intents_by_due ON intents (account_id, due_at)',
    `CREATE TABLE mirror (
      account_id ${text} NOT NULL,
      connection_id ${text} NOT NULL,
      object ${text} NOT NULL,
      record_id ${text} NOT NULL,
      wanted ${int} NOT NULL,
      acked ${int} NOT NULL,
      acked_hash ${text},
      acked_at ${int},
      unsure_until ${int},
      ${queue},
      PRIMARY KEY (account_id, connection_id, object, record_id)
    ) ${table}`,
    'CREATE INDEX mirror_by_due ON mirror (account_id, connection_id, object, due_at)',
    'CREATE INDEX mirror_parked ON mirror (account_id, connection_id) WHERE parked = 1',
    'CREATE INDEX work_parked ON work (account_id, connection_id) WHERE parked = 1',

    // ── Records as last read ──
    `CREATE TABLE records (
      account_id ${text} NOT NULL,
      connection_id ${text} NOT NULL,
      object ${text} NOT NULL,
      record_id ${text} NOT NULL,
      presence ${text} NOT NULL,
      facts ${text} NOT NULL,
      read_at ${int} NOT NULL,
      modified_at ${int},
      version ${int} NOT NULL,
      PRIMARY KEY (account_id, connection_id, object, record_id)
    ) ${table}`,
    'CREATE INDEX records_by_time ON records (account_id, connection_id, read_at)',
    `CREATE TABLE record_links (
      account_id ${text} NOT NULL,
      connection_id ${text} NOT NULL,
      deal_id ${text} NOT NULL,
      contact_id ${text} NOT NULL,
      changed_at ${int} NOT NULL,
      PRIMARY KEY (account_id, connection_id, deal_id, contact_id)
    ) ${compact}`,
    'CREATE INDEX record_links_by_contact ON record_links (account_id, connection_id, contact_id, changed_at, deal_id)',

    // ── The store's own ──
    `CREATE TABLE leases (
      name ${text} NOT NULL PRIMARY KEY,
      owner ${text} NOT NULL,
      until ${int} NOT NULL
    ) ${table}`,
    `CREATE TABLE probe (id ${int} NOT NULL PRIMARY KEY, beats ${int} NOT NULL) ${table}`,
    'INSERT INTO probe (id, beats) VALUES (1, 0)',
  ];
}
