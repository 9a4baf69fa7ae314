import type { Dialect } from '../dialect.ts';

/** Who may act from the cards in a CRM, and what was asked for there: once under each key. */
export const name = 'cards';

export function statements({ ddl }: Dialect): string[] {
  const { int, text, table } = ddl;
  return [
    `ALTER TABLE connections ADD COLUMN card_actors ${text}`,
    `CREATE TABLE card_actions (
      account_id ${text} NOT NULL REFERENCES accounts (id),
      connection_id ${text} NOT NULL,
      action_key ${text} NOT NULL,
      kind ${text} NOT NULL,
      input_hash ${text} NOT NULL,
      asked_by ${text} NOT NULL,
      begun_at ${int} NOT NULL,
      lease_until ${int} NOT NULL,
      contact_id ${text},
      answer ${text},
      PRIMARY KEY (account_id, connection_id, action_key),
      FOREIGN KEY (account_id, connection_id) REFERENCES connections (account_id, id)
    ) ${table}`,
    'CREATE INDEX card_actions_by_age ON card_actions (account_id, connection_id, begun_at)',
  ];
}
