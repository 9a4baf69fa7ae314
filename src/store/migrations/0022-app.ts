import type { Dialect } from '../dialect.ts';

/**
 * What the app inside a CRM shows first: open cases of an account by when they are due, those whose time is over before all others. And
 * what is set in the app: who may, in versions.
 */
export const name = 'app';

export function statements({ ddl }: Dialect): string[] {
  const { int, text, table } = ddl;
  return [
    `CREATE INDEX desk_cases_open_by_due ON desk_cases (account_id, coalesce(due_at, 0), id) WHERE state = 'open'`,
    'CREATE INDEX intents_reward_parked ON intents (account_id, reward_id) WHERE parked = 1',
    `CREATE TABLE app_settings (
      account_id ${text} NOT NULL,
      connection_id ${text} NOT NULL,
      version ${int} NOT NULL,
      settings ${text} NOT NULL,
      changed_by ${text} NOT NULL,
      changed_at ${int} NOT NULL,
      PRIMARY KEY (account_id, connection_id, version),
      FOREIGN KEY (account_id, connection_id) REFERENCES connections (account_id, id)
    ) ${table}`,
    ...ddl.appendOnly('app_settings'),
  ];
}
