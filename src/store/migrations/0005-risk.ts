import type { Dialect } from '../dialect.ts';

/** What risk is judged by, and cases with what happened to them. */
export const name = 'risk';

const AMOUNT_MINOR_MAX = '1000000000000000';

export function statements({ ddl }: Dialect): string[] {
  const { int, text, table } = ddl;
  return [
    `ALTER TABLE programs ADD COLUMN risk ${text}`,
    `ALTER TABLE decisions ADD COLUMN risk ${text}`,
    `ALTER TABLE touches ADD COLUMN ip_prefix ${text}`,
    `ALTER TABLE touches ADD COLUMN device ${text}`,
    'CREATE INDEX touches_by_ip ON touches (account_id, ip_prefix, at) WHERE ip_prefix IS NOT NULL',
    'CREATE INDEX touches_by_device ON touches (account_id, device, at) WHERE device IS NOT NULL',
    `ALTER TABLE records ADD COLUMN mail_key ${text}`,
    `ALTER TABLE records ADD COLUMN phone_key ${text}`,
    `CREATE INDEX records_by_mail ON records (account_id, connection_id, mail_key, record_id)
      WHERE mail_key IS NOT NULL`,
    `CREATE INDEX records_by_phone ON records (account_id, connection_id, phone_key, record_id)
      WHERE phone_key IS NOT NULL`,
    // Which signals a reward was granted in spite of, for telling how often each of them was right.
    `CREATE TABLE risk_findings (
      account_id ${text} NOT NULL,
      reward_id ${text} NOT NULL,
      signal ${text} NOT NULL,
      weight ${int} NOT NULL,
      found_at ${int} NOT NULL,
      PRIMARY KEY (account_id, reward_id, signal)
    ) ${table}`,
    ...ddl.appendOnly('risk_findings'),
    'CREATE INDEX risk_findings_by_time ON risk_findings (account_id, found_at, reward_id)',
    `CREATE TABLE desk_cases (
      account_id ${text} NOT NULL REFERENCES accounts (id),
      id ${text} NOT NULL,
      kind ${text} NOT NULL CHECK (kind IN ('review', 'dispute', 'alert')),
      topic ${text} NOT NULL,
      dedupe_key ${text} NOT NULL,
      state ${text} NOT NULL CHECK (state IN ('open', 'decided')),
      severity ${text} NOT NULL,
      referral_id ${text},
      reward_id ${text},
      minor ${int} CHECK (minor BETWEEN -${AMOUNT_MINOR_MAX} AND ${AMOUNT_MINOR_MAX}),
      currency ${text},
      summary ${text} NOT NULL,
      facts ${text} NOT NULL,
      opened_by ${text} NOT NULL,
      opened_at ${int} NOT NULL,
      owner ${text} NOT NULL,
      chain ${text} NOT NULL,
      step ${int} NOT NULL,
      due_at ${int},
      overdue ${int} NOT NULL,
      outcome ${text},
      decided_by ${text},
      decided_why ${text},
      decided_at ${int},
      version ${int} NOT NULL,
      PRIMARY KEY (account_id, id)
    ) ${table}`,
    // One open case for each cause.
    `CREATE UNIQUE INDEX desk_cases_one_open ON desk_cases (account_id, dedupe_key) WHERE state = 'open'`,
    'CREATE INDEX desk_cases_by_cause ON desk_cases (account_id, dedupe_key, opened_at)',
    'CREATE INDEX desk_cases_by_time ON desk_cases (account_id, opened_at, id)',
    'CREATE INDEX desk_cases_by_kind ON desk_cases (account_id, kind, opened_at, id)',
    'CREATE INDEX desk_cases_overdue ON desk_cases (account_id, opened_at, id) WHERE overdue = 1',
    'CREATE INDEX desk_cases_by_state ON desk_cases (account_id, state, opened_at, id)',
    'CREATE INDEX desk_cases_by_owner ON desk_cases (account_id, owner, opened_at, id)',
    'CREATE INDEX desk_cases_by_referral ON desk_cases (account_id, referral_id, opened_at, id)',
    'CREATE INDEX desk_cases_by_reward ON desk_cases (account_id, reward_id, opened_at, id)',
    `CREATE INDEX desk_cases_decided ON desk_cases (account_id, decided_at) WHERE reward_id IS NOT NULL`,
    `CREATE INDEX desk_cases_by_due ON desk_cases (due_at) WHERE state = 'open' AND due_at IS NOT NULL`,
    `CREATE TABLE desk_events (
      account_id ${text} NOT NULL,
      case_id ${text} NOT NULL,
      number ${int} NOT NULL,
      kind ${text} NOT NULL,
      by_whom ${text} NOT NULL,
      words ${text} NOT NULL,
      at ${int} NOT NULL,
      PRIMARY KEY (account_id, case_id, number),
      FOREIGN KEY (account_id, case_id) REFERENCES desk_cases (account_id, id)
    ) ${table}`,
    ...ddl.appendOnly('desk_events'),
    // Who a case goes to, and how long each of them has. An account without a row has the usual chain.
    `CREATE TABLE desk_settings (
      account_id ${text} NOT NULL REFERENCES accounts (id),
      chain ${text} NOT NULL,
      updated_at ${int} NOT NULL,
      PRIMARY KEY (account_id)
    ) ${table}`,
  ];
}
