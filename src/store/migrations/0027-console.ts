import type { Dialect } from '../dialect.ts';

/**
 * Who may sign in to the console and to which accounts, by which links and sessions, and what everybody has changed. Users stand above
 * accounts, as an agency has many; a seat is what ties one to an account.
 */
export const name = 'console';

export function statements({ ddl }: Dialect): string[] {
  const { int, text, table } = ddl;
  return [
    // Keys could do everything before there were roles.
    `ALTER TABLE api_keys ADD COLUMN roles ${text} NOT NULL DEFAULT '["owner"]'`,
    `CREATE TABLE users (
      id ${text} NOT NULL PRIMARY KEY,
      email ${text} NOT NULL UNIQUE,
      name ${text},
      created_at ${int} NOT NULL
    ) ${table}`,
    // A subject is an OpenID provider's name of a user; it outlives a change of the e-mail address.
    `CREATE TABLE user_subjects (
      issuer ${text} NOT NULL,
      subject ${text} NOT NULL,
      user_id ${text} NOT NULL REFERENCES users (id),
      created_at ${int} NOT NULL,
      PRIMARY KEY (issuer, subject)
    ) ${table}`,
    `CREATE TABLE seats (
      account_id ${text} NOT NULL REFERENCES accounts (id),
      user_id ${text} NOT NULL REFERENCES users (id),
      roles ${text} NOT NULL,
      version ${int} NOT NULL,
      created_at ${int} NOT NULL,
      PRIMARY KEY (account_id, user_id)
    ) ${table}`,
    'CREATE INDEX seats_by_user ON seats (user_id, account_id)',
    `CREATE TABLE sign_in_links (
      hash ${text} NOT NULL PRIMARY KEY,
      purpose ${text} NOT NULL,
      email ${text} NOT NULL,
      account_id ${text} REFERENCES accounts (id),
      roles ${text},
      made_by ${text},
      created_at ${int} NOT NULL,
      expires_at ${int} NOT NULL
    ) ${table}`,
    'CREATE INDEX sign_in_links_by_end ON sign_in_links (expires_at)',
    'CREATE INDEX sign_in_links_of_account ON sign_in_links (account_id, email) WHERE account_id IS NOT NULL',
    `CREATE TABLE oidc_states (
      state_hash ${text} NOT NULL PRIMARY KEY,
      sealed ${text} NOT NULL,
      expires_at ${int} NOT NULL
    ) ${table}`,
    'CREATE INDEX oidc_states_by_end ON oidc_states (expires_at)',
    `CREATE TABLE sessions (
      hash ${text} NOT NULL PRIMARY KEY,
      user_id ${text} NOT NULL REFERENCES users (id),
      created_at ${int} NOT NULL,
      seen_at ${int} NOT NULL,
      expires_at ${int} NOT NULL
    ) ${table}`,
    'CREATE INDEX sessions_by_user ON sessions (user_id)',
    'CREATE INDEX sessions_by_end ON sessions (expires_at)',
    `CREATE TABLE audit_entries (
      account_id ${text} NOT NULL REFERENCES accounts (id),
      id ${text} NOT NULL,
      at ${int} NOT NULL,
      actor ${text} NOT NULL,
      via ${text} NOT NULL,
      operation ${text} NOT NULL,
      subject ${text},
      input ${text},
      before_change ${text},
      after_change ${text},
      status ${int},
      ref ${text} NOT NULL,
      PRIMARY KEY (account_id, id)
    ) ${table}`,
    'CREATE INDEX audit_entries_of_subject ON audit_entries (account_id, subject, id)',
    'CREATE INDEX audit_entries_of_actor ON audit_entries (account_id, actor, id)',
    'CREATE INDEX audit_entries_of_operation ON audit_entries (account_id, operation, id)',
  ];
}
