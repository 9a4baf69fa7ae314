import type { Dialect } from '../dialect.ts';

/** Who is who across the connections of an account, and which of them decides on records that stand in several. */
export const name = 'identity';

export function statements({ ddl }: Dialect): string[] {
  const { int, text, table } = ddl;
  return [
    `CREATE TABLE connections_policies (
      account_id ${text} NOT NULL REFERENCES accounts (id),
      version ${int} NOT NULL CHECK (version > 0),
      policy ${text} NOT NULL,
      content_hash ${text} NOT NULL,
      published_at ${int} NOT NULL,
      published_by ${text} NOT NULL,
      PRIMARY KEY (account_id, version)
    ) ${table}`,
    ...ddl.appendOnly('connections_policies'),

    // A contact is the person of a member or a referral whose home is in another connection, from one moment to another.
    `CREATE TABLE identity_edges (
      account_id ${text} NOT NULL,
      connection_id ${text} NOT NULL,
      record_id ${text} NOT NULL,
      subject ${text} NOT NULL,
      sequence ${int} NOT NULL CHECK (sequence > 0),
      evidence ${text} NOT NULL CHECK (evidence IN ('person', 'shared_key', 'merged', 'email', 'phone')),
      since ${int} NOT NULL,
      until ${int} CHECK (until >= since),
      PRIMARY KEY (account_id, connection_id, record_id, subject, sequence),
      FOREIGN KEY (account_id, connection_id) REFERENCES connections (account_id, id)
    ) ${table}`,
    'CREATE INDEX identity_edges_by_subject ON identity_edges (account_id, subject)',

    // The key by which a record is one with records of other connections; kept when the record is deleted.
    `ALTER TABLE records ADD COLUMN shared_key ${text}`,
    `CREATE INDEX records_by_shared_key ON records (account_id, connection_id, object, shared_key)
      WHERE shared_key IS NOT NULL`,
  ];
}
