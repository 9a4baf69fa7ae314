import type { DealNames } from '../domain/reason.ts';
import type { RecordRef } from '../domain/record.ts';
import type { Referral } from '../domain/referral.ts';
import type { ReadStore } from './ports/store.ts';

/** Names of deals as last read, for the sentences that mention them. A deal that was never read, or is forgotten, has none. */
export async function readDealNames(
  reads: Pick<ReadStore, 'deals'>,
  accountId: string,
  refs: readonly RecordRef[],
): Promise<DealNames> {
  if (refs.length === 0) return new Map();
  const deals = await reads.deals(accountId, refs);
  return new Map(deals.flatMap(({ ref, name }) => (name === null ? [] : [[ref.id, name] as const])));
}

/** The deal that the reason of a referral's stage mentions. */
export function dealsNamedBy({ friend, reason }: Referral): RecordRef[] {
  const id = reason.values.deal;
  const connectionId = reason.values.connection ?? friend.contact?.connectionId;
  return connectionId !== undefined && id !== undefined ? [{ connectionId, object: 'deal', id }] : [];
}
