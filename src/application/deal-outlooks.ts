import type { Outlook } from '../domain/explain.ts';
import { type RecordRef, recordKey } from '../domain/record.ts';
import type { Instant } from '../domain/time.ts';
import { readStoryFacts } from './card-facts.ts';
import { readStoryContext } from './card-story.ts';
import { outlooksOfDeal } from './outlooks.ts';
import type { Connection, MirrorSource, Store } from './ports/store.ts';

/** What rows of the CRM are told with leads nowhere. */
const NO_LINKS = { recordUrl: () => null, consoleLink: () => ({}) };

/** By deal: what the rules in force would make of it that have decided nothing on it. Deals of nobody have none. */
export async function readDealOutlooks(
  store: Store,
  connection: Connection,
  sources: readonly MirrorSource[],
  now: Instant,
): Promise<(deal: RecordRef) => readonly Outlook[]> {
  const { accountId } = connection;
  const open = sources.flatMap(({ record, referral, referrer, decisions }) =>
    record.object === 'deal' && referral && referrer && referral.stage !== 'declined'
      ? [{ record, referral, member: referrer, decisions }]
      : [],
  );
  if (open.length === 0) return () => [];
  const context = await readStoryContext(store, connection, null, NO_LINKS, now);
  const shown = open.map(({ referral, member }) => ({ referral, direction: 'made' as const, member }));
  const [deals, facts] = await Promise.all([
    store.reads.deals(
      accountId,
      open.map(({ record }) => record),
    ),
    readStoryFacts(store, context, shown, true),
  ]);
  const dealOf = new Map(deals.map((deal) => [recordKey(deal.ref), deal]));
  const outlooks = new Map(
    open.flatMap(({ record, referral, member, decisions }, index) => {
      const deal = dealOf.get(recordKey(record));
      const own = facts[index];
      if (!deal || !own) return [];
      const decided = new Set(decisions.map(({ ruleKey }) => ruleKey));
      return [[recordKey(record), outlooksOfDeal(context, { referral, member, facts: own }, deal, decided)] as const];
    }),
  );
  return (deal) => outlooks.get(recordKey(deal)) ?? [];
}
