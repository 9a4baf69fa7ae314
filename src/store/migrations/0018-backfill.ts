import type { Dialect } from '../dialect.ts';

/**
 * What lay in a CRM before Wonward came: how far it has been read, what it would have paid and what of that a person released. And members that
 * are taken over from a file, row by row.
 */
export const name = 'backfill';

export function statements({ ddl }: Dialect): string[] {
  const { int, text, table, compact } = ddl;
  return [
    // 1: asked for by a backfill; whatever is asked for today comes before it.
    `ALTER TABLE work ADD COLUMN low ${int} NOT NULL DEFAULT 0`,
    'CREATE INDEX work_low ON work (account_id, connection_id, due_at) WHERE low = 1',
    `CREATE TABLE backfills (
      account_id ${text} NOT NULL,
      id ${text} NOT NULL,
      connection_id ${text} NOT NULL,
      since ${int} NOT NULL,
      objects ${text} NOT NULL,
      state ${text} NOT NULL,
      object ${text} NOT NULL,
      position ${text},
      until_at ${int},
      found ${int} NOT NULL,
      asked ${int} NOT NULL,
      total ${int},
      active_ms ${int} NOT NULL,
      attempts ${int} NOT NULL,
      not_before ${int} NOT NULL,
      error ${text},
      started_by ${text} NOT NULL,
      started_at ${int} NOT NULL,
      updated_at ${int} NOT NULL,
      version ${int} NOT NULL,
      PRIMARY KEY (account_id, id),
      FOREIGN KEY (account_id, connection_id) REFERENCES connections (account_id, id)
    ) ${table}`,
    // One at a time per connection.
    `CREATE UNIQUE INDEX backfills_open ON backfills (account_id, connection_id) WHERE state IN ('running', 'paused')`,
    `CREATE INDEX backfills_running ON backfills (account_id, id) WHERE state = 'running'`,
    'CREATE INDEX backfills_by_time ON backfills (account_id, started_at, id)',

    `CREATE INDEX decisions_history ON decisions (account_id, program_id, rule_key, recorded_at, id) WHERE outcome = 'history'`,
    `CREATE INDEX decisions_history_by_time ON decisions (account_id, recorded_at, id) WHERE outcome = 'history'`,
    `CREATE TABLE history_releases (
      account_id ${text} NOT NULL,
      id ${text} NOT NULL,
      program_id ${text} NOT NULL,
      rule_key ${text} NOT NULL,
      decision_ids ${text},
      asked_for ${text} NOT NULL,
      state ${text} NOT NULL,
      why ${text} NOT NULL,
      asked_by ${text} NOT NULL,
      asked_at ${int} NOT NULL,
      approved_by ${text},
      position_at ${int},
      position_id ${text},
      released ${int} NOT NULL,
      passed_over ${int} NOT NULL,
      updated_at ${int} NOT NULL,
      version ${int} NOT NULL,
      PRIMARY KEY (account_id, id)
    ) ${table}`,
    `CREATE INDEX history_releases_running ON history_releases (account_id, id) WHERE state = 'running'`,
    'CREATE INDEX history_releases_by_time ON history_releases (account_id, asked_at, id)',

    `CREATE TABLE member_imports (
      account_id ${text} NOT NULL,
      id ${text} NOT NULL,
      content_hash ${text} NOT NULL,
      state ${text} NOT NULL,
      row_count ${int} NOT NULL,
      started_by ${text} NOT NULL,
      started_at ${int} NOT NULL,
      updated_at ${int} NOT NULL,
      PRIMARY KEY (account_id, id)
    ) ${table}`,
    `CREATE INDEX member_imports_running ON member_imports (account_id, id) WHERE state IN ('running', 'undoing')`,
    'CREATE INDEX member_imports_by_time ON member_imports (account_id, started_at, id)',
    // What a person wrote into a row is forgotten as soon as the row is carried out; the report names the line of their own file.
    `CREATE TABLE member_import_rows (
      account_id ${text} NOT NULL,
      import_id ${text} NOT NULL,
      line ${int} NOT NULL,
      content ${text},
      outcome ${text} NOT NULL,
      problem ${text},
      member_id ${text},
      PRIMARY KEY (account_id, import_id, line)
    ) ${compact}`,
    'CREATE INDEX referrals_by_recruiter ON referrals (account_id, recruiter_id) WHERE recruiter_id IS NOT NULL',
    `CREATE INDEX member_import_rows_open ON member_import_rows (account_id, import_id, outcome, line)`,
  ];
}
