import type { Dialect } from '../dialect.ts';

/** How far the stream of changes of each connection has been kept, for CRMs that we listen to. */
export const name = 'stream';

export function statements({ ddl }: Dialect): string[] {
  const { int, text, compact } = ddl;
  return [
    `CREATE TABLE stream_positions (
      account_id ${text} NOT NULL,
      connection_id ${text} NOT NULL,
      position ${text} NOT NULL,
      kept_at ${int} NOT NULL,
      PRIMARY KEY (account_id, connection_id)
    ) ${compact}`,
  ];
}
