import type { Dialect } from '../dialect.ts';

/** Drafts that several people work on, the second pair of eyes, the end of a program, and exchange rates. */
export const name = 'program-life';

export function statements({ ddl }: Dialect): string[] {
  const { int, text, table } = ddl;
  return [
    `ALTER TABLE accounts ADD COLUMN needs_second_person ${int} NOT NULL DEFAULT 0`,
    `ALTER TABLE programs ADD COLUMN open_referrals ${text}`,
    `ALTER TABLE programs ADD COLUMN is_retired ${int} NOT NULL DEFAULT 0`,
    `ALTER TABLE programs ADD COLUMN note ${text}`,
    // So many of a currency for one of the base, from a day until another. Entered once, behind the newest of its currency.
    `CREATE TABLE fx_rates (
      account_id ${text} NOT NULL REFERENCES accounts (id),
      currency ${text} NOT NULL,
      day ${text} NOT NULL,
      until_day ${text} NOT NULL,
      base ${text} NOT NULL,
      per_base ${text} NOT NULL,
      source ${text} NOT NULL,
      entered_by ${text} NOT NULL,
      entered_at ${int} NOT NULL,
      PRIMARY KEY (account_id, currency, day)
    ) ${table}`,
    ...ddl.appendOnly('fx_rates'),
    `CREATE TABLE program_drafts (
      account_id ${text} NOT NULL REFERENCES accounts (id),
      program_id ${text} NOT NULL,
      revision ${int} NOT NULL,
      content ${text} NOT NULL,
      editors ${text} NOT NULL,
      changed_by ${text} NOT NULL,
      changed_at ${int} NOT NULL,
      PRIMARY KEY (account_id, program_id)
    ) ${table}`,
  ];
}
