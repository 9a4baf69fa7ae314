import type { Dialect } from '../dialect.ts';

/** Mappings that were proposed, and what the look-out for drift remembers. */
export const name = 'autopilot';

export function statements({ ddl }: Dialect): string[] {
  const { int, text, table } = ddl;
  return [
    `CREATE TABLE mapping_proposals (
      account_id ${text} NOT NULL,
      id ${text} NOT NULL,
      connection_id ${text} NOT NULL,
      state ${text} NOT NULL CHECK (state IN ('open', 'postponed', 'accepted')),
      basis ${text} NOT NULL,
      proposal ${text} NOT NULL,
      draft ${text},
      dry_run_id ${text},
      postponed_until ${int},
      made_by ${text} NOT NULL,
      made_at ${int} NOT NULL,
      changed_by ${text} NOT NULL,
      changed_at ${int} NOT NULL,
      version ${int} NOT NULL,
      PRIMARY KEY (account_id, id),
      FOREIGN KEY (account_id, connection_id) REFERENCES connections (account_id, id)
    ) ${table}`,
    'CREATE INDEX mapping_proposals_newest ON mapping_proposals (account_id, connection_id, made_at, id)',
    `CREATE TABLE drift_watch (
      account_id ${text} NOT NULL,
      connection_id ${text} NOT NULL,
      baseline ${text} NOT NULL,
      suspects ${text} NOT NULL,
      lost ${text} NOT NULL,
      looked_at ${int} NOT NULL,
      open_alerts ${int} NOT NULL,
      version ${int} NOT NULL,
      PRIMARY KEY (account_id, connection_id),
      FOREIGN KEY (account_id, connection_id) REFERENCES connections (account_id, id)
    ) ${table}`,
    `CREATE INDEX desk_cases_open_alerts ON desk_cases (account_id, opened_at, id) WHERE state = 'open' AND kind = 'alert'`,
  ];
}
