import type { Dialect } from '../dialect.ts';

/** Dry runs of attribution policies and stage mappings beside those of programs; and which of these a version was published on. */
export const name = 'policy-dry-runs';

export function statements({ ddl }: Dialect): string[] {
  const { text } = ddl;
  return [
    // What is of no program has an empty program_id: nodes of the version before read and write the column.
    `ALTER TABLE dry_runs ADD COLUMN kind ${text} NOT NULL DEFAULT 'program'`,
    `ALTER TABLE dry_runs ADD COLUMN connection_id ${text}`,
    `ALTER TABLE attribution_policies ADD COLUMN dry_run_id ${text}`,
    `ALTER TABLE connections_policies ADD COLUMN dry_run_id ${text}`,
    `ALTER TABLE mappings ADD COLUMN dry_run_id ${text}`,
  ];
}
