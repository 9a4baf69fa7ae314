import type { CrmRecord } from './crm.ts';
import { PIPELINES } from './plan.ts';

/**
 * What ought to stand, from the CRM's records alone. Written apart from `src/domain` and without a look at it on purpose: two
 * programs that agree by copying each other prove nothing. It knows the three rules of `PROGRAM` below and no others.
 */
export const PROGRAM = {
  programId: 'default',
  name: 'Friends of Acme',
  rules: [
    {
      key: 'member-won',
      party: 'member',
      amount: { kind: 'percent', basisPoints: 500 },
      // How much of a change is paid and how much is taken back would depend on when the provider answered.
      amountChanges: 'ignore',
      payout: 'webhook',
    },
    {
      key: 'friend-won',
      party: 'friend',
      amount: { kind: 'fixed', money: { amount: '20.00', currency: 'EUR' } },
      payout: 'credit',
    },
    {
      key: 'member-big',
      party: 'member',
      amount: { kind: 'fixed', money: { amount: '75.00', currency: 'EUR' } },
      conditions: [{ fact: 'deal.amount', op: 'at_least', money: { amount: '1000.00', currency: 'EUR' } }],
      amountChanges: 'ignore',
      payout: 'webhook',
    },
  ],
} as const;

export type RuleKey = (typeof PROGRAM.rules)[number]['key'];
export const RULE_KEYS: readonly RuleKey[] = PROGRAM.rules.map(({ key }) => key);

const HOME_CURRENCY = 'EUR';

/** "61.73 EUR" */
export type Amount = string;

export interface Expected {
  readonly friendId: string;
  readonly referrerId: string;
  readonly stage: string;
  /** Per rule: what may stand. `null` among them: nothing may stand. */
  readonly rewards: Readonly<
    Record<RuleKey, ReadonlyArray<{ readonly dealId: string; readonly amount: Amount } | null>>
  >;
}

interface Point {
  readonly at: number;
  readonly meaning: 'open' | 'won' | 'lost';
  readonly amount: string;
  readonly currency: string;
}

interface Deal {
  readonly id: string;
  readonly contactIds: readonly string[];
  readonly points: readonly Point[];
}

const MEANING = new Map<string, Point['meaning']>(
  PIPELINES.flatMap(({ pipelineId, stages }) =>
    stages.map((stage) => [
      `${pipelineId} ${stage.stageId}`,
      'isClosed' in stage ? (stage.probability === '1.0' ? 'won' : 'lost') : 'open',
    ]),
  ),
);

/** Every contact that is labelled "Referred by" somebody is a friend with one referral. `isDisturbed`: see `Plan.disturbed`. */
export function expectedOf(
  contacts: readonly CrmRecord[],
  dealRecords: readonly CrmRecord[],
  isDisturbed: (contactId: string) => boolean,
): Expected[] {
  const deals = dealRecords.map(dealOf);
  const referrerOf = new Map(
    contacts.flatMap(({ id, associations }) => {
      const referrer = associations.contacts?.find(({ labels }) => labels.includes('Referred by'));
      return referrer ? [[id, referrer.id] as const] : [];
    }),
  );
  return [...referrerOf].map(([friendId, referrerId]) => {
    const own = deals.filter(({ contactIds }) => contactIds.includes(friendId));
    const isShared = own.some(({ contactIds }) =>
      contactIds.some((other) => other !== friendId && referrerOf.has(other)),
    );
    const rewards = isDisturbed(friendId) ? anyOf(own) : exactly(own);
    return {
      friendId,
      referrerId,
      stage: stageOf(own),
      // Which of two friends a deal belongs to is asked of the deal: `sharedDeals`.
      rewards: isShared ? perRule((rule) => [...rewards[rule], null]) : rewards,
    };
  });
}

/** Deals of several friends, each of whom has no other: what one of them is paid, and the others are not. */
export function sharedDeals(contacts: readonly CrmRecord[], dealRecords: readonly CrmRecord[]) {
  const isFriend = new Set(
    contacts
      .filter(({ associations }) => associations.contacts?.some(({ labels }) => labels.includes('Referred by')))
      .map(({ id }) => id),
  );
  return dealRecords
    .map(dealOf)
    .filter(({ contactIds }) => contactIds.filter((id) => isFriend.has(id)).length > 1)
    .map((deal) => ({ dealId: deal.id, rewards: exactly([deal]) }));
}

function dealOf({ id, properties, propertiesWithHistory, associations }: CrmRecord): Deal {
  // Newest first; of two values in one millisecond the first one is the newer.
  const history = (name: string) =>
    (propertiesWithHistory[name] ?? []).map(({ value, timestamp }) => ({ value, at: Date.parse(timestamp) }));
  const valueAt = (name: string, at: number) => history(name).find((revision) => revision.at <= at)?.value ?? '';
  const names = ['dealstage', 'pipeline', 'amount', 'deal_currency_code'];
  const moments = [...new Set(names.flatMap((name) => history(name).map(({ at }) => at)))].sort((a, b) => a - b);
  const points = moments.map((at): Point => {
    const meaning = MEANING.get(`${valueAt('pipeline', at)} ${valueAt('dealstage', at)}`);
    if (!meaning) throw new Error(`deal ${id} stood in a stage that the plan does not have`);
    const currency = valueAt('deal_currency_code', at) || HOME_CURRENCY;
    return { at, meaning, amount: valueAt('amount', at), currency };
  });
  const last = points.at(-1);
  if (last?.amount !== (properties.amount ?? ''))
    throw new Error(`the history of deal ${id} does not end in the present`);
  return { id, contactIds: (associations.contacts ?? []).map((contact) => contact.id), points };
}

/** What a rule pays for a deal as it stands at a point; null when nothing. */
function payOf(rule: RuleKey, { amount, currency }: Point): Amount | null {
  if (rule === 'friend-won') return '20.00 EUR';
  const cents = /^\d+(\.\d{1,2})?$/.test(amount) ? BigInt(Math.round(Number(amount) * 100)) : null;
  if (cents === null) return null;
  if (rule === 'member-big') return currency === 'EUR' && cents >= 100_000n ? '75.00 EUR' : null;
  const product = cents * 500n;
  const [whole, rest] = [product / 10_000n, product % 10_000n];
  const minor = rest > 5_000n || (rest === 5_000n && whole % 2n === 1n) ? whole + 1n : whole;
  if (minor === 0n) return null;
  return `${minor / 100n}.${String(minor % 100n).padStart(2, '0')} ${currency}`;
}

/** The points since the deal was last not won; empty when it is not won now. */
function wonPoints({ points }: Deal): Point[] {
  const lastNotWon = points.findLastIndex(({ meaning }) => meaning !== 'won');
  return points.slice(lastNotWon + 1);
}

/**
 * Plays all changes of a friend's deals in their order. A rule pays a friend for one deal at a time: what it has paid stands until
 * that deal is no longer won, then the deal that has been won for the longest time is next.
 */
function exactly(deals: readonly Deal[]): Expected['rewards'] {
  const moments = [...new Set(deals.flatMap(({ points }) => points.map(({ at }) => at)))].sort((a, b) => a - b);
  const standing = new Map<RuleKey, { deal: Deal; amount: Amount }>();
  for (const at of moments) {
    const now = deals.flatMap((deal) => {
      const points = deal.points.filter((point) => point.at <= at);
      const won = wonPoints({ ...deal, points });
      const point = points.at(-1);
      return point ? [{ deal, point, since: won[0]?.at ?? null }] : [];
    });
    for (const rule of RULE_KEYS) {
      const held = standing.get(rule);
      if (held && now.find(({ deal }) => deal === held.deal)?.since === null) standing.delete(rule);
      const next = now
        .filter(({ since }) => since !== null)
        .sort((a, b) => Number(a.since) - Number(b.since) || Number(BigInt(a.deal.id) - BigInt(b.deal.id)))
        .map(({ deal, point }) => ({ deal, amount: payOf(rule, point) }))
        .find((candidate): candidate is { deal: Deal; amount: Amount } => candidate.amount !== null);
      if (!standing.has(rule) && next) standing.set(rule, next);
    }
  }
  return perRule((rule) => {
    const held = standing.get(rule);
    return [held ? { dealId: held.deal.id, amount: held.amount } : null];
  });
}

/**
 * The CRM keeps no history of associations, deletions and merges. Whether the service saw a deal leave for a moment decides whether
 * its reward was taken back and given anew, on the amount of that time. That there is exactly one, on a won deal, is certain.
 */
function anyOf(deals: readonly Deal[]): Expected['rewards'] {
  return perRule((rule) => {
    const possible = deals.flatMap((deal) =>
      wonPoints(deal).flatMap((point) => {
        const amount = payOf(rule, point);
        return amount === null ? [] : [{ dealId: deal.id, amount }];
      }),
    );
    const isCertain = deals.some((deal) => {
      const present = wonPoints(deal).at(-1);
      return present !== undefined && payOf(rule, present) !== null;
    });
    return isCertain ? possible : [...possible, null];
  });
}

function perRule(of: (rule: RuleKey) => Expected['rewards'][RuleKey]): Expected['rewards'] {
  return Object.fromEntries(RULE_KEYS.map((rule) => [rule, of(rule)])) as unknown as Expected['rewards'];
}

/** Where a referral stands: as far as the furthest of the friend's deals that is not lost. */
function stageOf(deals: readonly Deal[]): string {
  const meanings = deals.map(({ points }) => points.at(-1)?.meaning);
  if (meanings.includes('won')) return 'won';
  if (meanings.includes('open')) return 'opportunity';
  return meanings.length > 0 ? 'lost' : 'accepted';
}
