import type { Dialect } from '../dialect.ts';

/**
 * How an account shows itself and what it tells people, and for how long it keeps what need not be kept for ever. What was saved is never
 * changed: somebody was shown it.
 */
export const name = 'brand';

/** The least that the inbox is kept, in the words of domain/retention.ts at the time: the database itself refuses a mark that says less. */
const INBOX_KEPT_MS_MIN = 30 * 86_400_000;

export function statements({ ddl }: Dialect): string[] {
  const { int, text, table, compact } = ddl;
  return [
    `CREATE TABLE account_settings (
      account_id ${text} NOT NULL REFERENCES accounts (id),
      kind ${text} NOT NULL CHECK (kind IN ('brand', 'retention', 'chart', 'tax')),
      version ${int} NOT NULL,
      settings ${text} NOT NULL,
      changed_by ${text} NOT NULL,
      changed_at ${int} NOT NULL,
      PRIMARY KEY (account_id, kind, version)
    ) ${table}`,
    ...ddl.appendOnly('account_settings'),
    // One for each account; its address holds the hash, so a new one is another address.
    `CREATE TABLE logos (
      account_id ${text} NOT NULL PRIMARY KEY REFERENCES accounts (id),
      hash ${text} NOT NULL,
      media_type ${text} NOT NULL CHECK (media_type IN ('image/png', 'image/jpeg', 'image/webp')),
      content ${text} NOT NULL,
      saved_at ${int} NOT NULL
    ) ${table}`,
    'CREATE INDEX logos_by_hash ON logos (hash)',
    `CREATE TABLE consent_texts (
      account_id ${text} NOT NULL REFERENCES accounts (id),
      purpose ${text} NOT NULL CHECK (purpose IN ('member', 'friend')),
      version ${int} NOT NULL,
      texts ${text} NOT NULL,
      saved_by ${text} NOT NULL,
      saved_at ${int} NOT NULL,
      PRIMARY KEY (account_id, purpose, version)
    ) ${table}`,
    ...ddl.appendOnly('consent_texts'),
    // By the id of a member or a referral: it names nobody, and stays when they are forgotten.
    `CREATE TABLE consents_shown (
      account_id ${text} NOT NULL,
      subject ${text} NOT NULL,
      purpose ${text} NOT NULL,
      version ${int} NOT NULL,
      language ${text} NOT NULL,
      place ${text} NOT NULL CHECK (place IN ('api', 'card', 'import')),
      at ${int} NOT NULL,
      PRIMARY KEY (account_id, subject, purpose, version),
      FOREIGN KEY (account_id, purpose, version) REFERENCES consent_texts (account_id, purpose, version)
    ) ${compact}`,
    ...ddl.appendOnly('consents_shown'),
    // What the people of an import were shown, in the words of whoever imports them.
    `ALTER TABLE member_imports ADD COLUMN consent ${text}`,
    // Up to when something was forgotten. A row of the inbox goes only once it lies behind such a mark.
    `CREATE TABLE prunings (
      account_id ${text} NOT NULL REFERENCES accounts (id),
      item ${text} NOT NULL,
      up_to ${int} NOT NULL,
      pruned_at ${int} NOT NULL,
      row_count ${int} NOT NULL,
      PRIMARY KEY (account_id, item),
      CHECK (item <> 'inbox' OR up_to <= pruned_at - ${INBOX_KEPT_MS_MIN})
    ) ${table}`,
    ...ddl.appendOnlyBut('inbox', {
      delete: `EXISTS (SELECT 1 FROM prunings AS pruning WHERE pruning.account_id = OLD.account_id
        AND pruning.item = 'inbox' AND pruning.up_to > OLD.received_at)`,
    }),
    'CREATE INDEX audit_entries_by_time ON audit_entries (account_id, at)',
  ];
}
