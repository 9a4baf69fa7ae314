import type { Dialect } from '../dialect.ts';

/** A workflow enters people too, and whoever built it says which words they were shown before. A condition cannot be widened in place. */
export const name = 'consent-by-workflow';

export function statements({ ddl }: Dialect): string[] {
  const { int, text, compact } = ddl;
  return [
    `CREATE TABLE consents_shown_next (
      account_id ${text} NOT NULL,
      subject ${text} NOT NULL,
      purpose ${text} NOT NULL,
      version ${int} NOT NULL,
      language ${text} NOT NULL,
      place ${text} NOT NULL CHECK (place IN ('api', 'card', 'import', 'workflow')),
      at ${int} NOT NULL,
      PRIMARY KEY (account_id, subject, purpose, version),
      FOREIGN KEY (account_id, purpose, version) REFERENCES consent_texts (account_id, purpose, version)
    ) ${compact}`,
    `INSERT INTO consents_shown_next (account_id, subject, purpose, version, language, place, at)
      SELECT account_id, subject, purpose, version, language, place, at FROM consents_shown`,
    'DROP TABLE consents_shown',
    'ALTER TABLE consents_shown_next RENAME TO consents_shown',
    ...ddl.appendOnly('consents_shown'),
  ];
}
