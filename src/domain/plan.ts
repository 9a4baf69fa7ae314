import type { AttributionDecision, AttributionPolicyVersion } from './attribution-policy.ts';
import type { CaseWord } from './case.ts';
import type { ShownConsent } from './consent.ts';
import type { Decision, Reward } from './decision.ts';
import { createIdentityBook, type Elsewhere, type IdentityBook, type IdentityEdge } from './identity.ts';
import { derivedId } from './ids.ts';
import type { Journal } from './ledger.ts';
import type { StageMapping } from './mapping.ts';
import type { ProgramVersion } from './program.ts';
import type { ProgramChoice } from './program-choice.ts';
import type { Rates } from './rates.ts';
import { type RecordRef, recordKey } from './record.ts';
import type { Member, Referral, Touch } from './referral.ts';
import type { RiskKnowledge } from './risk.ts';
import { type Tallies, type Tally, type TallyChange, tallyKey, wonTally } from './tally.ts';
import type { TierChange, TierLook } from './tier.ts';
import type { Instant } from './time.ts';
import { contributionsOf } from './won-deals.ts';

/** Everything stored that bears on the friends being decided on. Loaded in one go, judged without a further read. */
export interface State {
  readonly accountId: string;
  readonly programs: readonly ProgramVersion[];
  /** Of all the account's connections, oldest first; absent: every program applies everywhere. */
  readonly choices?: readonly ProgramChoice[] | undefined;
  readonly connectedAt: Instant;
  readonly mapping: StageMapping;
  readonly members: readonly Member[];
  readonly referrals: readonly Referral[];
  readonly decisions: readonly Decision[];
  readonly rewards: readonly Reward[];
  /** Of these members, referrals and programs; one that is missing is zero. */
  readonly tallies: Tallies;
  /** Exchange rates; absent where no rule pays in another currency than the deal's. */
  readonly rates?: Rates;
  /** Absent where no program asks for it. */
  readonly risk?: RiskKnowledge | undefined;
  /** The newest of each member in each program. */
  readonly tiers?: readonly TierChange[];
  /** Absent where the account has one connection. */
  readonly elsewhere?: Elsewhere | undefined;
  /** The first referral of each company, by the company's id in this connection; absent where the policy counts no companies. */
  readonly companies?: ReadonlyMap<string, string> | undefined;
  /** In force; absent: none was ever published. */
  readonly attribution?: AttributionPolicyVersion | undefined;
  /** In a dry run the tiers are told and do not move; null for none. */
  readonly tiersThen?: ((memberId: string, at: Instant) => string | null) | undefined;
}

/** A state that holds nothing but what is said: for what changes without a look at the CRM, such as a provider's answer or a person's word. */
export function stateWith(accountId: string, known: Partial<State>): State {
  return {
    accountId,
    programs: [],
    connectedAt: 0,
    mapping: { version: '', entries: [] },
    members: [],
    referrals: [],
    decisions: [],
    rewards: [],
    tallies: new Map(),
    ...known,
  };
}

/**
 * What is asked of the provider. A reward has one order: it is carried out, and later perhaps undone because the reward was taken back
 * (`cancel`) or because it was not used in time (`expire`).
 */
export type OrderKind = 'issue' | 'cancel' | 'expire';

/** An order to a reward provider, carried out by the deliver hop. Its id is the idempotency key that the provider gets. */
export interface PayoutIntent {
  /** Absent: `issue`. Any other is asked of an order that was carried out, under its own key. */
  readonly kind?: OrderKind | undefined;
  readonly id: string;
  readonly rewardId: string;
  readonly provider: string;
  /** Not to be carried out earlier; null for at once. */
  readonly at: Instant | null;
}

/** A deal whose reward waits until a tally has room. */
export interface Waiting {
  readonly on: Pick<Tally, 'owner' | 'key' | 'currency'>;
  readonly record: RecordRef;
  readonly since: Instant;
}

/** A record to look at again at a given time, hint or not. */
export interface Wake {
  readonly record: RecordRef;
  readonly at: Instant;
}

/** A member who was looked at: what was due by then is answered, and `at` is next; null when nothing lies ahead. */
export interface NextTierLook extends Omit<TierLook, 'at'> {
  readonly lookedAt: Instant;
  readonly at: Instant | null;
}

/**
 * What is to be written, all of it or nothing. Members, referrals and rewards carry the version they will have: 1 is new, any
 * other replaces the one before it, and a store that holds another version refuses the plan.
 */
export interface Plan {
  readonly members: readonly Member[];
  readonly referrals: readonly Referral[];
  readonly touches: readonly Touch[];
  readonly decisions: readonly Decision[];
  readonly rewards: readonly Reward[];
  readonly journals: readonly Journal[];
  readonly intents: readonly PayoutIntent[];
  readonly cancelledIntentIds: readonly string[];
  readonly tallies: readonly TallyChange[];
  readonly waiting: readonly Waiting[];
  readonly attributions: readonly AttributionDecision[];
  readonly tierChanges: readonly TierChange[];
  readonly tierLooks: readonly NextTierLook[];
  /** Records whose mirror has to be written anew. */
  readonly mirror: readonly RecordRef[];
  /** Members and referrals whose contacts show what has changed, whichever connections those are in. */
  readonly people?: readonly string[];
  readonly wakes: readonly Wake[];
  /** Referrals of which another one of this plan takes over the contact: no two of a program ever have one. */
  readonly contactsGivenUp?: readonly string[];
  /** Edges that are new, and those that have ended. */
  readonly identity?: readonly IdentityEdge[];
  /** Which words the people who are entered by this plan were shown. */
  readonly consents?: readonly ShownConsent[];
  /** Open cases that end with this plan, or it is refused. */
  readonly cases?: ReadonlyArray<{ readonly id: string; readonly word: CaseWord }>;
}

export function intentFor(reward: Reward): PayoutIntent {
  return { id: derivedId('pay', reward.id), rewardId: reward.id, provider: reward.payout, at: reward.orderAt };
}

/** Collects a plan while `decide` reads on; later steps see what earlier ones changed. */
export interface Draft {
  member(id: string): Member | undefined;
  findMember(test: (member: Member) => boolean): Member | undefined;
  members(): readonly Member[];
  /** Who is who across connections. */
  readonly identity: IdentityBook;
  referral(id: string): Referral | undefined;
  referrals(): readonly Referral[];
  reward(id: string): Reward | undefined;
  rewards(): readonly Reward[];
  /** Grows as further ones are added. */
  decisionsOf(referralId: string): readonly Decision[];
  /** Writes the entity with the next version, unless nothing but the version would differ. */
  putMember(member: Omit<Member, 'version'>): Member;
  putReferral(referral: Omit<Referral, 'version'>): Referral;
  /**
   * Gives the referral its next version though nothing else of it changes. Two nodes that decide at the same time on two deals of one
   * referral would each find the other deal unrewarded; so the second to commit has to decide again.
   */
  claimReferral(id: string): void;
  /** The referral's contact is another referral's from this plan on, and the other's is its own: the one that was merged away. */
  tradeContacts(referralId: string, otherId: string): void;
  putReward(reward: Omit<Reward, 'version'>): Reward;
  addTouch(touch: Touch): void;
  addDecision(decision: Decision): void;
  addJournal(journal: Journal): void;
  addIntent(intent: PayoutIntent): void;
  cancelIntent(id: string): void;
  tally(of: Pick<Tally, 'owner' | 'key' | 'currency'>): Pick<Tally, 'count' | 'minor'>;
  /** `rests`: the change is right only for what the tally was when the state was loaded. */
  count(change: Tally, rests?: 'rests'): void;
  waitFor(waiting: Waiting): void;
  addAttribution(decision: AttributionDecision): void;
  /** What holds of a member's tier in a program. */
  tier(memberId: string, programId: string): TierChange | undefined;
  addTierChange(change: TierChange): void;
  lookAtTier(look: NextTierLook): void;
  markMirror(record: RecordRef | null): void;
  /** Whoever has it on a record of theirs sees that a reward has changed: its deal, and every contact of both sides. */
  markConcerned(of: Pick<Reward, 'deal' | 'referralId'> & Partial<Pick<Reward, 'beneficiaryId'>>): void;
  /** Every contact of a member. */
  markMember(id: string): void;
  wake(wake: Wake): void;
  /** True once anything was put or added. */
  changed(): boolean;
  plan(): Plan;
}

export function createDraft(state: State): Draft {
  const members = versioned(state.members);
  const referrals = versioned(state.referrals);
  const rewards = versioned(state.rewards);
  const decisions: Decision[] = [];
  let byReferral: Map<string, Decision[]> | null = null;
  const touches: Touch[] = [];
  const journals: Journal[] = [];
  const intents = new Map<string, PayoutIntent>();
  const cancelled = new Set<string>();
  const people = new Set<string>();
  const mirror = new Map<string, RecordRef>();
  const wakes: Wake[] = [];
  const contactsGivenUp = new Set<string>();
  const counted = new Map<string, TallyChange>();
  const waiting = new Map<string, Waiting>();
  const attributions: AttributionDecision[] = [];
  const tierChanges: TierChange[] = [];
  const tierLooks = new Map<string, NextTierLook>();
  const identity = createIdentityBook(state.elsewhere?.edges);

  /** Stored and new ones of each referral; put in order when somebody asks for the first time. */
  function decided(): Map<string, Decision[]> {
    byReferral ??= Map.groupBy([...state.decisions, ...decisions], ({ referralId }) => referralId);
    return byReferral;
  }

  /** The tally of won referrals follows the stages, and those of tiers the deals that are won. */
  function countWon(referral: Referral | undefined, by: 1 | -1): void {
    if (!referral) return;
    if (referral.stage === 'won') count({ ...wonTally(referral.memberId), count: by, minor: 0n });
    for (const one of contributionsOf(referral))
      count({ ...one, count: by * one.count, minor: BigInt(by) * one.minor });
  }

  function count(change: Tally, rests?: 'rests'): void {
    const key = tallyKey(change);
    const before = counted.get(key);
    counted.set(key, {
      ...change,
      count: (before?.count ?? 0) + change.count,
      minor: (before?.minor ?? 0n) + change.minor,
      basis: rests ? stored(key) : (before?.basis ?? null),
    });
  }

  function stored(key: string): Pick<Tally, 'count' | 'minor'> {
    const { count: known, minor } = state.tallies.get(key) ?? NOTHING;
    return { count: known, minor };
  }

  return {
    member: members.get,
    findMember: (test) => members.all().find(test),
    members: members.all,
    identity,
    referral: referrals.get,
    referrals: referrals.all,
    reward: rewards.get,
    rewards: rewards.all,
    decisionsOf: (referralId) => decided().get(referralId) ?? [],
    putMember: members.put,
    putReferral: (referral) => {
      const before = referrals.get(referral.id);
      const next = referrals.put(referral);
      countWon(before, -1);
      countWon(next, 1);
      return next;
    },
    claimReferral: referrals.claim,
    tradeContacts(referralId, otherId) {
      const [one, other] = [referrals.get(referralId), referrals.get(otherId)];
      if (!one || !other) throw new RangeError('both referrals have to be loaded');
      for (const id of [referralId, otherId]) contactsGivenUp.add(id);
      referrals.put({ ...other, friend: { ...other.friend, contact: one.friend.contact } });
      referrals.put({ ...one, friend: { ...one.friend, contact: other.friend.contact } });
    },
    putReward: rewards.put,
    addTouch: (touch) => void touches.push(touch),
    addDecision: (decision) => {
      const all = decided();
      const own = all.get(decision.referralId);
      if (own) own.push(decision);
      else all.set(decision.referralId, [decision]);
      decisions.push(decision);
    },
    addJournal: (journal) => void journals.push(journal),
    addIntent: (intent) => void intents.set(intent.id, intent),
    cancelIntent: (id) => {
      // An order that this very plan would place is not placed; one that stands in the store is withdrawn.
      if (!intents.delete(id)) cancelled.add(id);
    },
    tally: (of) => {
      const key = tallyKey(of);
      const before = stored(key);
      const change = counted.get(key);
      return change ? { count: before.count + change.count, minor: before.minor + change.minor } : before;
    },
    count,
    waitFor: (one) => {
      const key = `${tallyKey(one.on)} ${recordKey(one.record)}`;
      // Two rules that wait for the same with one deal have one place, that of the one that has waited longer.
      if ((waiting.get(key)?.since ?? Number.POSITIVE_INFINITY) > one.since) waiting.set(key, one);
    },
    addAttribution: (decision) => void attributions.push(decision),
    tier: (memberId, programId) =>
      [...(state.tiers ?? []), ...tierChanges].findLast(
        (change) => change.memberId === memberId && change.program.id === programId,
      ),
    addTierChange: (change) => void tierChanges.push(change),
    lookAtTier: (look) => void tierLooks.set(`${look.memberId} ${look.programId}`, look),
    markMirror: (record) => {
      if (record) mirror.set(recordKey(record), record);
    },
    markConcerned({ deal, referralId, beneficiaryId }) {
      mirror.set(recordKey(deal), deal);
      people.add(referralId);
      if (beneficiaryId !== undefined) people.add(beneficiaryId);
      const memberId = referrals.get(referralId)?.memberId;
      if (memberId !== undefined) people.add(memberId);
    },
    markMember: (id) => void people.add(id),
    wake: (wake) => void wakes.push(wake),
    changed: () =>
      members.changed().length +
        referrals.changed().length +
        rewards.changed().length +
        decisions.length +
        tierChanges.length +
        identity.changed().length +
        journals.length >
      0,
    plan: () => ({
      members: members.changed(),
      referrals: referrals.changed(),
      touches,
      decisions,
      rewards: rewards.changed(),
      journals,
      intents: [...intents.values()],
      cancelledIntentIds: [...cancelled],
      // One that came to nothing still has to be what it was taken for.
      tallies: [...counted.values()].filter(({ count, minor, basis }) => count !== 0 || minor !== 0n || basis !== null),
      waiting: [...waiting.values()],
      attributions,
      tierChanges,
      tierLooks: [...tierLooks.values()],
      mirror: [...mirror.values()],
      wakes,
      ...(people.size > 0 ? { people: [...people] } : {}),
      ...(contactsGivenUp.size > 0 ? { contactsGivenUp: [...contactsGivenUp] } : {}),
      ...(identity.changed().length > 0 ? { identity: identity.changed() } : {}),
    }),
  };
}

const NOTHING = { count: 0, minor: 0n };

/** What most plans have none of; to be spread into one that is made by hand. */
export const EMPTY_PLAN: Plan = {
  members: [],
  referrals: [],
  touches: [],
  decisions: [],
  rewards: [],
  journals: [],
  intents: [],
  cancelledIntentIds: [],
  tallies: [],
  waiting: [],
  attributions: [],
  tierChanges: [],
  tierLooks: [],
  mirror: [],
  wakes: [],
};

/** A set of entities whose version rises by one per plan, however often the plan changes them. */
function versioned<T extends { readonly id: string; readonly version: number }>(stored: readonly T[]) {
  const before = new Map(stored.map((entity) => [entity.id, entity]));
  const current = new Map(before);
  const changed = new Set<string>();
  return {
    get: (id: string) => current.get(id),
    all: () => [...current.values()],
    claim: (id: string): void => {
      const present = current.get(id);
      if (!present || changed.has(id)) return;
      current.set(id, { ...present, version: present.version + 1 });
      changed.add(id);
    },
    changed: () => [...changed].map((id) => current.get(id) as T),
    put: (entity: Omit<T, 'version'>): T => {
      const id = entity.id as string;
      const next = { ...entity, version: (before.get(id)?.version ?? 0) + 1 } as T;
      const present = current.get(id);
      if (present && sameBut(present, next)) return present;
      current.set(id, next);
      changed.add(id);
      return next;
    },
  };
}

function sameBut<T extends { readonly version: number }>(a: T, b: T): boolean {
  return isSame({ ...a, version: 0 }, { ...b, version: 0 });
}

/** Plain data only. A property that is undefined is one that is not there, as in the store. */
function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>];
  for (const key of Object.keys(left)) if (!isSame(left[key], right[key])) return false;
  for (const key of Object.keys(right)) if (left[key] === undefined && right[key] !== undefined) return false;
  return true;
}
