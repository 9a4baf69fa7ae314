import type { Dialect } from '../dialect.ts';

/** What a draft would have paid, as somebody saw it; and which of these a version was published on, and by whom. */
export const name = 'dry-runs';

export function statements({ ddl }: Dialect): string[] {
  const { int, text, table } = ddl;
  return [
    `CREATE TABLE dry_runs (
      account_id ${text} NOT NULL REFERENCES accounts (id),
      id ${text} NOT NULL,
      program_id ${text} NOT NULL,
      content_hash ${text} NOT NULL,
      report ${text} NOT NULL,
      made_by ${text} NOT NULL,
      made_at ${int} NOT NULL,
      PRIMARY KEY (account_id, id)
    ) ${table}`,
    ...ddl.appendOnly('dry_runs'),
    `ALTER TABLE programs ADD COLUMN dry_run_id ${text}`,
    `ALTER TABLE programs ADD COLUMN published_by ${text}`,
  ];
}
