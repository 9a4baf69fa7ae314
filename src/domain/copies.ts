import { DEFAULT_CONNECTIONS_POLICY, OWN_ID, sharedKeyOf } from './connections-policy.ts';
import { type Decision, STANDING_STATES } from './decision.ts';
import { readAmount } from './eligibility.ts';
import { type DealElsewhere, type Elsewhere, friendIdsIn } from './identity.ts';
import { textOf } from './money.ts';
import type { Draft, State } from './plan.ts';
import { appliesIn } from './program-choice.ts';
import { type Reason, reason } from './reason.ts';
import { type DealFacts, recordKey } from './record.ts';
import type { Referral } from './referral.ts';
import { addDays, type Instant } from './time.ts';
import { type DealAt, dealsAt } from './timeline.ts';

/*
 * Deals that a sync tool has copied from one connection into another. A deal that bears the shared key in a connection that does not decide is
 * a copy, whether its source has been seen yet or not: so the order in which the two are read decides nothing. A reward that was granted
 * before two deals were known to be one stays where it is, and the other deal gets none.
 */

interface Index {
  readonly byKey: ReadonlyMap<string, readonly DealElsewhere[]>;
  readonly byContact: ReadonlyMap<string, readonly DealElsewhere[]>;
}

/** Put in order once for all groups of a batch. */
const indexes = new WeakMap<readonly DealElsewhere[], Index>();

function indexOf({ deals }: Elsewhere): Index {
  const known = indexes.get(deals);
  if (known) return known;
  const byContact = new Map<string, DealElsewhere[]>();
  for (const deal of deals) {
    for (const id of deal.facts.contactIds) {
      const key = `${deal.facts.ref.connectionId} ${id}`;
      const before = byContact.get(key);
      if (before) before.push(deal);
      else byContact.set(key, [deal]);
    }
  }
  const index = { byKey: Map.groupBy(deals, ({ sharedKey }) => sharedKey ?? ''), byContact };
  indexes.set(deals, index);
  return index;
}

/** The key that a deal of the present connection bears; null where it bears none. */
function keyOf({ elsewhere }: State, deal: DealFacts): string | null {
  return elsewhere?.policy ? sharedKeyOf(elsewhere.policy.policy, deal) : null;
}

/** The deal that decides, by the key; `own` are deals of the present connection. */
function sourceOf(state: State, key: string, own: readonly DealFacts[]): DealFacts | undefined {
  const decidedIn = state.elsewhere?.policy?.policy.deals?.decidedIn;
  if (!state.elsewhere || decidedIn === undefined) return undefined;
  const there = indexOf(state.elsewhere).byKey.get(key) ?? [];
  return (
    there.find(({ facts }) => facts.ref.connectionId === decidedIn)?.facts ??
    own.find((deal) => deal.ref.connectionId === decidedIn && keyOf(state, deal) === key)
  );
}

function isCopy(state: State, { ref }: DealFacts, key: string | null, own: readonly DealFacts[]): boolean {
  const source = state.elsewhere?.policy?.policy.deals;
  if (!source || key === null || ref.connectionId === source.decidedIn) return false;
  // Every record has an id: it is a copy's only when the source names it.
  return source.keys[ref.connectionId] !== OWN_ID || sourceOf(state, key, own) !== undefined;
}

/** That the referral was given to another member ends every chain, and says nothing about the deals. */
function isOnDeal({ reason: { code } }: Decision): boolean {
  return code !== 're_attributed';
}

/** A sync tool empties the key when the source is gone. That makes no source of its copy. */
function wasCopy(draft: Draft, state: State, referralId: string, deal: DealFacts): Reason | undefined {
  const ids = new Set([deal.ref.id, ...deal.formerIds]);
  const last = draft
    .decisionsOf(referralId)
    .findLast((one) => one.deal.connectionId === deal.ref.connectionId && ids.has(one.deal.id) && isOnDeal(one));
  const { code, values } = last?.reason ?? {};
  const isStill = code === 'decided_elsewhere' && values?.policy === String(state.elsewhere?.policy?.version);
  return isStill ? last?.reason : undefined;
}

/** Why a deal is not decided on in its own connection; undefined where it is. */
export function copyReason(
  draft: Draft,
  state: State,
  referralId: string,
  deal: DealFacts,
  own: readonly DealFacts[],
): Reason | undefined {
  const { elsewhere } = state;
  const source = elsewhere?.policy?.policy.deals;
  if (!elsewhere || !source || deal.ref.connectionId === source.decidedIn) return undefined;
  const key = keyOf(state, deal);
  if (key === null) return wasCopy(draft, state, referralId, deal);
  if (!isCopy(state, deal, key, own)) return undefined;
  return reason('decided_elsewhere', {
    crm: elsewhere.names.get(source.decidedIn) ?? source.decidedIn,
    key,
    policy: String(elsewhere.policy?.version),
  });
}

/** Codes of a person's no. As in one connection it holds for the member of whom it was said. */
const REFUSED: ReadonlySet<string> = new Set(['review_rejected', 'taken_back_by_person']);

/** What holds for a deal: a person said no, or the reward was given and not used. */
function isSettled(decisions: readonly Decision[]): boolean {
  const chain = decisions.toSorted((a, b) => a.recordedAt - b.recordedAt || a.sequence - b.sequence);
  const sinceMoved = chain.slice(1 + chain.findLastIndex((one) => !isOnDeal(one)));
  return (
    sinceMoved.some(({ reason: { code } }) => REFUSED.has(code)) ||
    chain.some(({ reason: { code } }) => code === 'expired_unused')
  );
}

/** Why a rule pays nothing for a deal since it has paid for the same deal in another connection; undefined where it has not. */
export function rewardedReason(
  draft: Draft,
  state: State,
  referralId: string,
  deal: DealFacts,
  ruleKey: string,
): Reason | undefined {
  const { elsewhere } = state;
  const key = keyOf(state, deal);
  if (!elsewhere || key === null) return undefined;
  const holder = (indexOf(elsewhere).byKey.get(key) ?? []).find(({ facts: { ref, formerIds } }) => {
    const isThere = (one: { connectionId: string; id: string }) =>
      one.connectionId === ref.connectionId && (one.id === ref.id || formerIds.includes(one.id));
    return (
      draft.rewards().some(
        (reward) =>
          reward.ruleKey === ruleKey &&
          isThere(reward.deal) &&
          STANDING_STATES.includes(reward.state) &&
          // As in one connection: one that is to end as soon as its provider has answered stands in nobody's way.
          !reward.reversalPending,
      ) || isSettled(draft.decisionsOf(referralId).filter((one) => one.ruleKey === ruleKey && isThere(one.deal)))
    );
  });
  if (!holder) return undefined;
  const { connectionId, id } = holder.facts.ref;
  return reason('rewarded_elsewhere', { crm: elsewhere.names.get(connectionId) ?? connectionId, there: id });
}

/** Deals of the friend's contacts in other connections, and those that were decided on and never left the friend. */
function ofFriend(draft: Draft, elsewhere: Elsewhere, referral: Referral): DealElsewhere[] {
  const { byContact } = indexOf(elsewhere);
  const ofContacts = [...elsewhere.mappings.keys()].flatMap((connectionId) =>
    friendIdsIn(draft, referral, connectionId).flatMap((id) => byContact.get(`${connectionId} ${id}`) ?? []),
  );
  const decided = draft.decisionsOf(referral.id).filter(isOnDeal);
  const last = new Map(decided.map((one) => [recordKey(one.deal), one.reason.code]));
  const isDecidedOn = ({ facts: { ref, formerIds } }: DealElsewhere) =>
    [ref.id, ...formerIds].some((id) => {
      const code = last.get(recordKey({ ...ref, id }));
      return code !== undefined && code !== 'deal_detached';
    });
  return [...new Set([...ofContacts, ...(last.size > 0 ? elsewhere.deals.filter(isDecidedOn) : [])])];
}

/** The friend's deals in other connections as they stood when they were last read there, without those that are copies. */
export function dealsElsewhere(
  draft: Draft,
  state: State,
  referral: Referral,
  own: readonly DealFacts[],
  now: Instant,
): DealAt[] {
  const { elsewhere } = state;
  if (!elsewhere) return [];
  return ofFriend(draft, elsewhere, referral).flatMap(({ facts, sharedKey }) => {
    if (isCopy(state, facts, sharedKey, own)) return [];
    if (sharedKey === null && wasCopy(draft, state, referral.id, facts)) return [];
    if (!appliesIn(state.choices, facts.ref.connectionId, referral)) return [];
    const mapping = elsewhere.mappings.get(facts.ref.connectionId);
    return mapping ? dealsAt([facts], mapping, Math.max(now, ...facts.history.map(({ at }) => at))) : [];
  });
}

/** Every deal of another connection that what is decided here may bear on: the friend's, and those that bear a key of one of theirs. */
export function concernedElsewhere(
  draft: Draft,
  state: State,
  referral: Referral,
  own: readonly DealFacts[],
): DealFacts[] {
  const { elsewhere } = state;
  if (!elsewhere) return [];
  const index = indexOf(elsewhere);
  const ofKeys = own.flatMap((deal) => {
    const key = keyOf(state, deal);
    return key === null ? [] : (index.byKey.get(key) ?? []);
  });
  return [...new Set([...ofFriend(draft, elsewhere, referral), ...ofKeys])].map(({ facts }) => facts);
}

/** A deal of the same friend in another connection that looks like this one, and that the rule has paid for. */
export function twinOf(
  draft: Draft,
  state: State,
  referral: Referral,
  dealAt: DealAt,
  ruleKey: string,
  own: readonly DealFacts[],
  now: Instant,
): { readonly crm: string; readonly dealId: string; readonly amount: string } | undefined {
  const { elsewhere } = state;
  const wonAt = dealAt.since.won;
  const money = readAmount(dealAt);
  if (!elsewhere || wonAt === null || !money.ok) return undefined;
  const { twinDays: days } = elsewhere.policy?.policy ?? DEFAULT_CONNECTIONS_POLICY;
  const twin = dealsElsewhere(draft, state, referral, own, now).find(({ deal, since, ...rest }) => {
    const theirs = readAmount(rest);
    return (
      since.won !== null &&
      since.won <= addDays(wonAt, days) &&
      wonAt <= addDays(since.won, days) &&
      theirs.ok &&
      theirs.money.minor === money.money.minor &&
      theirs.money.currency === money.money.currency &&
      // Two that bear keys are told apart by them.
      !areKeyed(state, dealAt.deal, deal) &&
      draft
        .rewards()
        .some(
          (reward) =>
            reward.ruleKey === ruleKey &&
            reward.referralId === referral.id &&
            reward.deal.connectionId === deal.ref.connectionId &&
            [deal.ref.id, ...deal.formerIds].includes(reward.deal.id) &&
            STANDING_STATES.includes(reward.state),
        )
    );
  });
  if (!twin) return undefined;
  const { connectionId, id } = twin.deal.ref;
  return { crm: elsewhere.names.get(connectionId) ?? connectionId, dealId: id, amount: textOf(money.money) };
}

function areKeyed(state: State, own: DealFacts, other: DealFacts): boolean {
  return keyOf(state, own) !== null && keyOf(state, other) !== null;
}
