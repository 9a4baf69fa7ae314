import type { Money } from '../domain/money.ts';
import type { RecordRef } from '../domain/record.ts';
import type { Instant } from '../domain/time.ts';
import type { Clock } from '../platform/clock.ts';
import type { RefundKept, Store } from './ports/store.ts';

/** Part of a payment that was given back, as its source tells it. */
export interface ToldRefund {
  /** Of the source; the same one again is the same refund. */
  readonly id: string;
  /** The deal's id in the CRM; null when the source does not know it. */
  readonly dealId: string | null;
  /** Which CRM; null: the one that knows the deal. */
  readonly connectionId: string | null;
  readonly money: Money;
  readonly at: Instant;
  /** It came to nothing after all. */
  readonly isUndone: boolean;
}

export interface RefundsDeps {
  readonly store: Pick<Store, 'refunds' | 'connections' | 'reads'>;
  readonly clock: Pick<Clock, 'now'>;
  /** Called when a deal was asked to be looked at again. */
  readonly onAsked: () => void;
}

export interface TakenRefund {
  readonly kept: RefundKept;
  /** Null while nobody knows which deal it is of: it is kept, and lowers nothing. */
  readonly deal: RecordRef | null;
}

/** Takes what a source tells of a refund: kept once, and the deal it is of is looked at again. */
export type TakeRefund = (accountId: string, source: string, told: ToldRefund) => Promise<TakenRefund>;

export function createTakeRefund({ store, clock, onAsked }: RefundsDeps): TakeRefund {
  /** The connection that has read the deal; or the only one, which will. */
  async function dealOf(accountId: string, { dealId, connectionId }: ToldRefund): Promise<RecordRef | null> {
    if (dealId === null) return null;
    const connections = (await store.connections.list(accountId)).filter(({ id, status }) =>
      connectionId === null ? status === 'connected' : id === connectionId,
    );
    const refs = connections.map(({ id }): RecordRef => ({ connectionId: id, object: 'deal', id: dealId }));
    const [only, ...more] = refs;
    if (!only) return null;
    if (more.length === 0) return only;
    // Two CRMs may have a deal with the same number; nobody can say then which is meant.
    const known = await store.reads.deals(accountId, refs);
    return known.length === 1 ? (known[0]?.ref ?? null) : null;
  }

  return async (accountId, source, told) => {
    const deal = await dealOf(accountId, told);
    const { id, money, at, isUndone } = told;
    const kept = await store.refunds.keep(accountId, { source, id, deal, money, at, isUndone }, clock.now());
    if (deal && (kept === 'new' || kept === 'changed')) onAsked();
    return { kept, deal };
  };
}
