import type { Dialect } from '../dialect.ts';

/**
 * What the timelines of contacts in a CRM are to be told, and since when a connection has wanted it: what happened before is never told. A row
 * goes when it was told.
 */
export const name = 'app-events';

export function statements({ ddl }: Dialect): string[] {
  const { int, text, table } = ddl;
  return [
    `ALTER TABLE app_settings ADD COLUMN events_since ${int}`,
    'CREATE INDEX app_settings_events ON app_settings (account_id, connection_id, version) WHERE events_since IS NOT NULL',
    `CREATE TABLE app_events (
      account_id ${text} NOT NULL,
      connection_id ${text} NOT NULL,
      id ${text} NOT NULL,
      person_id ${text} NOT NULL,
      body ${text} NOT NULL,
      kept_at ${int} NOT NULL,
      run_at ${int} NOT NULL,
      due_at ${int},
      claim ${text},
      attempts ${int} NOT NULL,
      parked ${int} NOT NULL CHECK (parked IN (0, 1)),
      error ${text},
      PRIMARY KEY (account_id, connection_id, id),
      FOREIGN KEY (account_id, connection_id) REFERENCES connections (account_id, id)
    ) ${table}`,
    'CREATE INDEX app_events_due ON app_events (account_id, connection_id, due_at) WHERE due_at IS NOT NULL',
    'CREATE INDEX app_events_parked ON app_events (account_id, connection_id) WHERE parked = 1',
  ];
}
