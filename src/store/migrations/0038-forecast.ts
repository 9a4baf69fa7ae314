import type { Dialect } from '../dialect.ts';

/** What open deals may still cost: how likely and when each is to close, and what that comes to. */
export const name = 'forecast';

export function statements({ ddl }: Dialect): string[] {
  const { int, text, table, compact } = ddl;
  return [
    // Beside the facts and not in them: nothing is decided by these, so another value is no other version of the record.
    `ALTER TABLE records ADD COLUMN chance ${int}`,
    `ALTER TABLE records ADD COLUMN closes_at ${int}`,
    // What the CRM gives a stage; no part of the mapping, whose versions decisions name.
    `CREATE TABLE stage_chances (
      account_id ${text} NOT NULL,
      connection_id ${text} NOT NULL,
      pipeline_id ${text} NOT NULL,
      stage_id ${text} NOT NULL,
      chance ${int} NOT NULL CHECK (chance BETWEEN 0 AND 10000),
      PRIMARY KEY (account_id, connection_id, pipeline_id, stage_id)
    ) ${compact}`,
    // By their ids, so that one that moves to another stage while they are gone through is met once.
    `CREATE INDEX referrals_open ON referrals (account_id, id)
      WHERE stage IN ('submitted', 'accepted', 'qualified', 'opportunity')`,
    `CREATE TABLE forecasts (
      account_id ${text} NOT NULL REFERENCES accounts (id),
      id ${text} NOT NULL,
      state ${text} NOT NULL CHECK (state IN ('running', 'done')),
      -- Counts whoever has begun it: what an earlier one still writes is refused.
      attempt ${int} NOT NULL,
      looked ${int} NOT NULL,
      started_at ${int} NOT NULL,
      started_by ${text} NOT NULL,
      finished_at ${int},
      finished_day ${int},
      body ${text},
      PRIMARY KEY (account_id, id)
    ) ${table}`,
    `CREATE UNIQUE INDEX forecasts_one_running ON forecasts (account_id) WHERE state = 'running'`,
    'CREATE UNIQUE INDEX forecasts_one_a_day ON forecasts (account_id, finished_day) WHERE finished_day IS NOT NULL',
    // Of the newest one; the largest amounts first.
    `CREATE TABLE forecast_lines (
      account_id ${text} NOT NULL,
      forecast_id ${text} NOT NULL,
      currency ${text} NOT NULL,
      expected_month ${text} NOT NULL,
      place ${int} NOT NULL,
      number ${int} NOT NULL,
      referral_id ${text} NOT NULL,
      body ${text} NOT NULL,
      PRIMARY KEY (account_id, forecast_id, currency, expected_month, place, number)
    ) ${compact}`,
  ];
}
