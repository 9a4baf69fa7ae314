import type { Dialect } from '../dialect.ts';

/** Months that were closed, what was kept of them, and what people were given in a year. */
export const name = 'periods';

export function statements({ ddl }: Dialect): string[] {
  const { int, text, table, compact } = ddl;
  return [
    // What is booked before this moment is refused. It is set before a month is added up, so that nothing slips in behind.
    `CREATE TABLE period_seals (
      account_id ${text} NOT NULL REFERENCES accounts (id),
      sealed_to ${int} NOT NULL,
      PRIMARY KEY (account_id)
    ) ${table}`,
    `CREATE TABLE periods (
      account_id ${text} NOT NULL REFERENCES accounts (id),
      id ${text} NOT NULL,
      number ${int} NOT NULL CHECK (number >= 1),
      period_month ${text} NOT NULL,
      from_at ${int} NOT NULL,
      to_at ${int} NOT NULL CHECK (to_at > from_at),
      body ${text} NOT NULL,
      hash ${text} NOT NULL,
      signature ${text} NOT NULL,
      key_id ${text} NOT NULL,
      closed_at ${int} NOT NULL,
      reopened_at ${int},
      reopened_by ${text},
      reopen_reason ${text},
      PRIMARY KEY (account_id, id),
      UNIQUE (account_id, number)
    ) ${table}`,
    'CREATE UNIQUE INDEX periods_one_standing ON periods (account_id, period_month) WHERE reopened_at IS NULL',
    ...ddl.appendOnly('periods'),
    ...ddl.appendOnlyBut('periods', {
      // Reopened once, and nothing else of it ever.
      update: `OLD.reopened_at IS NULL AND NEW.reopened_at IS NOT NULL AND NEW.reopened_by IS NOT NULL
        AND NEW.reopen_reason IS NOT NULL AND NEW.account_id = OLD.account_id AND NEW.id = OLD.id
        AND NEW.number = OLD.number AND NEW.period_month = OLD.period_month AND NEW.from_at = OLD.from_at
        AND NEW.to_at = OLD.to_at AND NEW.body = OLD.body AND NEW.hash = OLD.hash AND NEW.signature = OLD.signature
        AND NEW.key_id = OLD.key_id AND NEW.closed_at = OLD.closed_at`,
    }),
    `CREATE TABLE period_lines (
      account_id ${text} NOT NULL,
      period_id ${text} NOT NULL,
      ledger_account ${text} NOT NULL,
      currency ${text} NOT NULL,
      -- Whole numbers as text: sums may leave the range of a number.
      opening ${text} NOT NULL,
      debits ${text} NOT NULL,
      credits ${text} NOT NULL,
      closing ${text} NOT NULL,
      PRIMARY KEY (account_id, period_id, ledger_account, currency),
      FOREIGN KEY (account_id, period_id) REFERENCES periods (account_id, id)
    ) ${compact}`,
    'CREATE INDEX period_lines_by_account ON period_lines (account_id, ledger_account, currency, period_id)',
    ...ddl.appendOnly('period_lines'),
    ...ddl.sealPeriods(),
    // What concerns a month by its event, and was booked later.
    'CREATE INDEX journals_by_event ON journals (account_id, effective_at, recorded_at, id)',
    `CREATE TABLE tax_reports (
      account_id ${text} NOT NULL REFERENCES accounts (id),
      id ${text} NOT NULL,
      tax_year ${int} NOT NULL,
      state ${text} NOT NULL CHECK (state IN ('running', 'done')),
      journals ${int} NOT NULL,
      counts ${text} NOT NULL,
      settings_version ${int} NOT NULL,
      started_at ${int} NOT NULL,
      started_by ${text} NOT NULL,
      finished_at ${int},
      PRIMARY KEY (account_id, id)
    ) ${table}`,
    `CREATE UNIQUE INDEX tax_reports_one_running ON tax_reports (account_id, tax_year) WHERE state = 'running'`,
    'CREATE INDEX tax_reports_by_year ON tax_reports (account_id, tax_year, state, started_at)',
    `CREATE TABLE tax_rows (
      account_id ${text} NOT NULL,
      report_id ${text} NOT NULL,
      list ${text} NOT NULL,
      number ${int} NOT NULL,
      body ${text} NOT NULL,
      PRIMARY KEY (account_id, report_id, list, number),
      FOREIGN KEY (account_id, report_id) REFERENCES tax_reports (account_id, id)
    ) ${compact}`,
  ];
}
