import type { Dialect } from '../dialect.ts';

/** Where the API of a connection is, for vendors whose customers each have an address of their own. */
export const name = 'api-url';

export function statements({ ddl }: Dialect): string[] {
  return [`ALTER TABLE connections ADD COLUMN api_url ${ddl.text}`];
}
