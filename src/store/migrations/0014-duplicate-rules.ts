import type { Dialect } from '../dialect.ts';

/** Whether a CRM's own duplicate rules are respected, where somebody has said so. */
export const name = 'duplicate-rules';

export function statements({ ddl }: Dialect): string[] {
  return [
    `ALTER TABLE connections ADD COLUMN duplicate_rules ${ddl.text} CHECK (duplicate_rules IN ('respect', 'allow'))`,
  ];
}
