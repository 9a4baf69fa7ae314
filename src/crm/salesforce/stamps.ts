import type { Instant } from '../../domain/time.ts';
import { instantOf, type Row } from './wire.ts';

const SECOND_MS = 1_000;

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
