import { type Money, textOf } from '../domain/money.ts';
import type { Instant } from '../domain/time.ts';
import type { PayoutAccounts } from './payout-accounts.ts';
import type { PayoutEntry, PayoutSession } from './ports/payout.ts';
import type { PayoutRecord, Store } from './ports/store.ts';

/** The provider and we do not date an order by the same clock, and it may have been taken a day after it was first tried. */
const LATE_MS = 7 * 86_400_000;

export type DifferenceKind =
  /** The provider shows an order of ours as given, our books do not. */
  | 'paid_not_booked'
  /** Our books have it as given, the provider does not know it, or shows it as failed or cancelled. */
  | 'booked_not_paid'
  | 'amount_differs'
  /** It stands at the provider and is no order of ours. */
  | 'not_ours'
  /** Neither side has settled it. */
  | 'open';

export interface Difference {
  readonly kind: DifferenceKind;
  readonly key: string | null;
  readonly reference: string | null;
  readonly rewardId: string | null;
  readonly ours: string;
  readonly theirs: string;
}

export interface PayoutReconciliation {
  readonly provider: string;
  /** Orders of ours that were compared, and how many agree. */
  readonly orders: number;
  readonly agree: number;
  /** What the provider itself lists; null when it has no list, so that only our own orders were asked about. */
  readonly listed: number | null;
  /** Given by us, per currency, as both sides have it. */
  readonly agreed: readonly Money[];
  readonly differences: readonly Difference[];
}

export interface ReconcilePayoutsDeps {
  readonly store: Pick<Store, 'payoutRecords' | 'reads'>;
  readonly accounts: Pick<PayoutAccounts, 'open'>;
}

/** Compares what a provider says it gave with what the ledger says. Reads only, on both sides. */
export function createReconcilePayouts({ store, accounts }: ReconcilePayoutsDeps) {
  /** What the ledger has of one order: the sum on the provider's account, from its reward's journals. */
  async function bookedOf(accountId: string, { rewardId, provider }: PayoutRecord): Promise<Money | null> {
    const { items } = await store.reads.journals(accountId, { limit: 100, cursor: null }, { rewardId });
    const postings = items
      .flatMap((journal) => journal.postings)
      .filter(({ account }) => account === `provider:${provider}`);
    const [first] = postings;
    if (!first) return null;
    const minor = -postings.reduce((sum, posting) => sum + posting.minor, 0n);
    return minor === 0n ? null : { minor, currency: first.currency };
  }

  return async (accountId: string, name: string, from: Instant, to: Instant): Promise<PayoutReconciliation> => {
    const { session } = await accounts.open(accountId, name);
    const records = await store.payoutRecords.recordsBetween(accountId, name, from, to);
    const listed = session.entries ? await session.entries(from, to + LATE_MS) : null;
    const byKey = new Map((listed ?? []).flatMap((entry) => (entry.key === null ? [] : [[entry.key, entry] as const])));
    const differences: Difference[] = [];
    const agreed = new Map<string, bigint>();
    let agree = 0;
    for (const record of records) {
      const entry = byKey.get(record.key) ?? (await lookUp(session, record));
      const booked = await bookedOf(accountId, record);
      const difference = differenceOf(record, booked, entry);
      if (difference) differences.push(difference);
      else {
        agree += 1;
        if (booked) agreed.set(booked.currency, (agreed.get(booked.currency) ?? 0n) + booked.minor);
      }
      byKey.delete(record.key);
    }
    for (const entry of listed ?? []) {
      if (entry.at >= to || (entry.key !== null && !byKey.has(entry.key))) continue;
      const known = entry.key === null ? null : await store.payoutRecords.record(accountId, entry.key);
      if (known) continue;
      const kind = entry.key === null ? 'not_ours' : 'paid_not_booked';
      if (kind === 'paid_not_booked' && entry.state !== 'paid') continue;
      differences.push({
        kind,
        key: entry.key,
        reference: entry.reference,
        rewardId: null,
        ours: 'nothing',
        theirs: saidOf(entry),
      });
    }
    return {
      provider: name,
      orders: records.length,
      agree,
      listed: listed?.length ?? null,
      agreed: [...agreed].map(([currency, minor]) => ({ minor, currency })),
      differences,
    };
  };
}

async function lookUp(session: PayoutSession, { key, reference, state }: PayoutRecord): Promise<PayoutEntry | null> {
  return (await session.lookUp?.({ key, reference: state === 'asked' ? null : reference })) ?? null;
}

function differenceOf(record: PayoutRecord, booked: Money | null, entry: PayoutEntry | null): Difference | null {
  const isPaid = entry?.state === 'paid';
  const as = (kind: DifferenceKind): Difference => ({
    kind,
    key: record.key,
    reference: entry?.reference ?? record.reference,
    rewardId: record.rewardId,
    ours: booked ? `given, ${textOf(booked)}` : record.state,
    theirs: entry ? saidOf(entry) : 'nothing',
  });
  if (booked && !isPaid) return as('booked_not_paid');
  if (!booked && isPaid) return as('paid_not_booked');
  if (booked && entry?.money && (entry.money.minor !== booked.minor || entry.money.currency !== booked.currency))
    return as('amount_differs');
  if (!booked && (entry?.state === 'pending' || record.state === 'asked')) return as('open');
  return null;
}

function saidOf({ state, money }: PayoutEntry): string {
  return money ? `${state}, ${textOf(money)}` : state;
}
