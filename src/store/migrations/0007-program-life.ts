import type { Dialect } from '../dialect.ts';

/** Drafts that several people work on, the second pair of eyes, and the end of a program. */
export const name = 'program-life';

export function statements({ ddl }: Dialect): string[] {
  const { int, text, table } = ddl;
  return [
    `ALTER TABLE accounts ADD COLUMN needs_second_person ${int} NOT NULL DEFAULT 0`,
    `ALTER TABLE programs ADD COLUMN open_referrals ${text}`,
    `ALTER TABLE programs ADD COLUMN is_retired ${int} NOT NULL DEFAULT 0`,
    `ALTER TABLE programs ADD COLUMN note ${text}`,
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
