import type { Instant } from '../../domain/time.ts';
import type { CrmAccess, Hint } from './crm.ts';

/**
 * For a CRM that tells of changes on a stream that we open, beside or instead of calls that it makes to us. What a stream brings are hints
 * like any others: they may come twice, late or never, and the sweep is what nothing is lost by.
 */

export interface StreamBatch {
  readonly hints: readonly Hint[];
  /** Where to go on after this batch; opaque. Null when the vendor named none: what was kept before stays. */
  readonly position: string | null;
  /** Set when something was told that names no records: everything modified since then has to be looked at. */
  readonly sweepFrom: Instant | null;
  /** The org has rows that ask Wonward for something. */
  readonly hasRequests: boolean;
}

/** What a stream goes through that ends neither with a batch nor with a fault: for metrics. */
export type StreamNews =
  | { readonly kind: 'reconnecting'; readonly reason: 'ended' | 'broken' | 'silent' | 'unauthorised' }
  | { readonly kind: 'undecodable'; readonly events: number };

export interface CrmStream {
  /**
   * Listens until `signal` ends (`stopped`) or the stream cannot go on. A batch is handed over only after `keep` of the one before has
   * resolved, and is not gone past before its own has: one whose `keep` fails ends the listening with that error and comes again.
   *
   * - `position` null begins with the oldest event that the vendor still keeps.
   * - `position_lost`: the vendor does not know the position any more; what it stands for has to be swept.
   * - `unavailable_here`: this portal or org has no such stream; the sweep alone is enough there.
   *
   * A broken connection is opened again inside, for as long as it takes.
   * @throws Fault `reconnect` when the grant is gone; others when only time or a person can help.
   */
  listen(input: {
    readonly access: CrmAccess;
    readonly position: string | null;
    readonly signal: AbortSignal;
    readonly keep: (batch: StreamBatch) => Promise<void>;
    readonly told?: (news: StreamNews) => void;
  }): Promise<'stopped' | 'position_lost' | 'unavailable_here'>;
}
