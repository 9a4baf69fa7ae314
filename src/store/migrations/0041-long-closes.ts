import type { Dialect } from '../dialect.ts';

/** A month that is being added up: who has asked for it, how far it is, and when that was last told. */
export const name = 'long-closes';

export function statements({ ddl }: Dialect): string[] {
  const { int, text } = ddl;
  return [
    `ALTER TABLE period_seals ADD COLUMN closing_by ${text}`,
    `ALTER TABLE period_seals ADD COLUMN closing_reason ${text}`,
    `ALTER TABLE period_seals ADD COLUMN closing_since ${int}`,
    `ALTER TABLE period_seals ADD COLUMN closing_seen_at ${int}`,
    `ALTER TABLE period_seals ADD COLUMN closing_journals ${int}`,
    `ALTER TABLE period_seals ADD COLUMN closing_total ${int}`,
  ];
}
