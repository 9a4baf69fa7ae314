import type { Dialect } from '../dialect.ts';

/**
 * How a connection does, and the proof that nothing is missing: since when a hint or a write waits, what was counted, what each sweep found,
 * what became of the connection, and the reports that compare it with the CRM.
 */
export const name = 'sync-proof';

export function statements({ ddl }: Dialect): string[] {
  const { int, text, table, compact } = ddl;
  return [
    // When the oldest event came that the record was not looked at for yet, by the CRM's clock where it says; null when none waits.
    `ALTER TABLE work ADD COLUMN hinted_at ${int}`,
    'CREATE INDEX work_hinted ON work (account_id, connection_id, hinted_at) WHERE hinted_at IS NOT NULL',
    // Since when the CRM does not show what it should; null when it does.
    `ALTER TABLE mirror ADD COLUMN marked_at ${int}`,
    'CREATE INDEX mirror_marked ON mirror (account_id, connection_id, marked_at) WHERE marked_at IS NOT NULL',
    `CREATE TABLE sync_counts (
      account_id ${text} NOT NULL,
      connection_id ${text} NOT NULL,
      bucket ${int} NOT NULL,
      measure ${text} NOT NULL,
      label ${text} NOT NULL,
      n ${int} NOT NULL,
      total ${int} NOT NULL,
      peak ${int} NOT NULL,
      PRIMARY KEY (account_id, connection_id, bucket, measure, label)
    ) ${compact}`,
    `CREATE TABLE sweeps (
      account_id ${text} NOT NULL,
      id ${text} NOT NULL,
      connection_id ${text} NOT NULL,
      began_at ${int} NOT NULL,
      ended_at ${int} NOT NULL,
      is_full ${int} NOT NULL CHECK (is_full IN (0, 1)),
      changed ${int} NOT NULL,
      missed ${int} NOT NULL,
      problem ${text},
      PRIMARY KEY (account_id, connection_id, began_at, id)
    ) ${table}`,
    `CREATE INDEX sweeps_in_trouble ON sweeps (account_id, connection_id, began_at)
      WHERE missed > 0 OR problem IS NOT NULL`,
    `CREATE TABLE connection_events (
      account_id ${text} NOT NULL,
      id ${text} NOT NULL,
      connection_id ${text} NOT NULL,
      kind ${text} NOT NULL,
      detail ${text} NOT NULL,
      at ${int} NOT NULL,
      PRIMARY KEY (account_id, id)
    ) ${table}`,
    'CREATE INDEX connection_events_by_time ON connection_events (account_id, connection_id, at, id)',
    ...ddl.appendOnly('connection_events'),
    `CREATE TABLE sync_reports (
      account_id ${text} NOT NULL,
      id ${text} NOT NULL,
      connection_id ${text} NOT NULL,
      number ${int} NOT NULL,
      body ${text} NOT NULL,
      hash ${text} NOT NULL,
      signature ${text} NOT NULL,
      key_id ${text} NOT NULL,
      made_at ${int} NOT NULL,
      PRIMARY KEY (account_id, id),
      UNIQUE (account_id, connection_id, number)
    ) ${table}`,
    'CREATE INDEX sync_reports_by_time ON sync_reports (account_id, connection_id, made_at, id)',
    ...ddl.appendOnly('sync_reports'),
    `CREATE TABLE sync_report_rows (
      account_id ${text} NOT NULL,
      report_id ${text} NOT NULL,
      list ${text} NOT NULL,
      number ${int} NOT NULL,
      body ${text} NOT NULL,
      PRIMARY KEY (account_id, report_id, list, number)
    ) ${table}`,
  ];
}
