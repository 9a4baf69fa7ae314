import type { Dialect } from '../dialect.ts';

/** Whom to ask for a referral next: whose contact somebody is, by the CRM's own users, and when somebody was asked. */
export const name = 'next-asks';

export function statements({ ddl }: Dialect): string[] {
  const { int, text, table, compact } = ddl;
  return [
    `CREATE TABLE contact_owners (
      account_id ${text} NOT NULL,
      connection_id ${text} NOT NULL,
      contact_id ${text} NOT NULL,
      user_id ${text} NOT NULL,
      active_at ${int} NOT NULL,
      PRIMARY KEY (account_id, connection_id, contact_id, user_id),
      FOREIGN KEY (account_id, connection_id) REFERENCES connections (account_id, id)
    ) ${compact}`,
    'CREATE INDEX contact_owners_by_user ON contact_owners (account_id, connection_id, user_id, active_at, contact_id)',
    `CREATE TABLE asks (
      account_id ${text} NOT NULL,
      connection_id ${text} NOT NULL,
      ask_key ${text} NOT NULL,
      contact_id ${text} NOT NULL,
      way ${text} NOT NULL,
      asked_by ${text} NOT NULL,
      asked_at ${int} NOT NULL,
      PRIMARY KEY (account_id, connection_id, ask_key),
      FOREIGN KEY (account_id, connection_id) REFERENCES connections (account_id, id)
    ) ${table}`,
    'CREATE INDEX asks_by_contact ON asks (account_id, connection_id, contact_id, asked_at)',
    ...ddl.appendOnly('asks'),
  ];
}
