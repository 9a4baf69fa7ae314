import type { Dialect } from '../dialect.ts';

/**
 * Members from a list in a CRM: which one, and how far it has been read. All null for a file, of which the rows are kept at once. An import
 * whose list is being read is in a state of its own, so that a node of the version before does not take it for one that has no rows.
 */
export const name = 'member-lists';

export function statements({ ddl }: Dialect): string[] {
  const { text } = ddl;
  return [
    `ALTER TABLE member_imports ADD COLUMN connection_id ${text}`,
    `ALTER TABLE member_imports ADD COLUMN list_id ${text}`,
    `ALTER TABLE member_imports ADD COLUMN position ${text}`,
    'DROP INDEX member_imports_running',
    `CREATE INDEX member_imports_running ON member_imports (account_id, id) WHERE state IN ('running', 'listing', 'undoing')`,
  ];
}
