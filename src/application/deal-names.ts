import type { DealNames } from '../domain/reason.ts';
import type { RecordRef } from '../domain/record.ts';
import type { Store } from './ports/store.ts';

/** Names of deals as last read, for the sentences that mention them. A deal that was never read, or is forgotten, has none. */
export async function readDealNames(
  store: Pick<Store, 'reads'>,
  accountId: string,
  refs: readonly RecordRef[],
): Promise<DealNames> {
  if (refs.length === 0) return new Map();
  const deals = await store.reads.deals(accountId, refs);
  return new Map(deals.flatMap(({ ref, name }) => (name === null ? [] : [[ref.id, name] as const])));
}
