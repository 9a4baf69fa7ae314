import type { Instant } from '../../domain/time.ts';
import { instantOf, type Row } from './wire.ts';

const SECOND_MS = 1_000;
/** An answer of several queries is dated by its end, and the record was looked for before that. */
const READING_MS = 60_000;

/**
 * Which state of a record it is that was read, by the newest of the stamps that belong to it. They are whole seconds, so a record that was
 * read within the second of its change may change again and keep its stamp: of that reading an older state is claimed, and the sweep
 * reads it once more.
 */
export function modificationOf(rows: readonly (Row | undefined)[], readAt: Instant): { readonly modifiedAt?: Instant } {
  const stamps = rows.flatMap((row) => (row ? (instantOf(row.SystemModstamp) ?? []) : []));
  if (stamps.length === 0) return {};
  const newest = Math.max(...stamps);
  return { modifiedAt: readAt < newest + SECOND_MS ? newest - 1 : newest };
}

/**
 * The same of a record that no query finds any more and that has no stamp, so: by the org's clock, when it was found gone. A node's own clock may be
 * ahead, and the record be restored before that.
 */
export function goneSince(readAt: Instant): { readonly modifiedAt?: Instant } {
  return readAt > READING_MS ? { modifiedAt: readAt - READING_MS } : {};
}
