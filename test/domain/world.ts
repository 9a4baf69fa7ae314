import { decide, type FriendFacts } from '../../src/domain/decide.ts';
import type { Decision, Reward } from '../../src/domain/decision.ts';
import { imbalance, type Journal } from '../../src/domain/ledger.ts';
import { mapCatalog, type StageCatalog } from '../../src/domain/mapping.ts';
import { createDraft, type Draft, type PayoutIntent, type Plan, type State } from '../../src/domain/plan.ts';
import type { ProgramVersion, RewardRule } from '../../src/domain/program.ts';
import { reason } from '../../src/domain/reason.ts';
import type { ContactFacts, DealFacts, DealPoint } from '../../src/domain/record.ts';
import type { Member, Referral } from '../../src/domain/referral.ts';
import { settlePayout } from '../../src/domain/reward.ts';
import { addTo, type Tallies, type TallyChange, tallyKey } from '../../src/domain/tally.ts';

export const T0 = Date.UTC(2026, 0, 5);
export const MINUTE = 60_000;
export const DAY = 86_400_000;
export const CONNECTION = 'con_1';

/** Two pipelines; neither calls its won stage "closedwon", and one has a lost stage that is labelled "Won back". */
export const CATALOG: StageCatalog = {
  pipelines: [
    {
      id: 'sales',
      label: 'Sales',
      stages: [
        { id: 'open', label: 'Qualified to buy', isClosed: false, probability: 0.2 },
        { id: '4711', label: 'Signed', isClosed: true, probability: 1 },
        { id: 'gone', label: 'Won back', isClosed: true, probability: 0 },
      ],
    },
    {
      id: 'renewals',
      label: 'Renewals',
      stages: [
        { id: 'r-open', label: 'Open', isClosed: false, probability: 0.5 },
        { id: 'r-won', label: 'Renewed', isClosed: true, probability: 1 },
      ],
    },
  ],
};

/** Of Ada, as it stands while the friend's deal is open. */
export const OPEN_REFERRAL: Referral = {
  id: 'ref_1',
  programId: 'default',
  memberId: 'mem_1',
  friend: { name: 'Bob', email: null, contact: { connectionId: CONNECTION, object: 'contact', id: '2' } },
  source: 'label',
  stage: 'opportunity',
  reason: reason('attributed_label'),
  stageSince: T0,
  submittedAt: T0,
  version: 1,
};

export const MEMBER_RULE: RewardRule = {
  key: 'member-won',
  name: 'Member won',
  party: 'member',
  amount: { kind: 'percent', basisPoints: 1_000 },
  conditions: [],
  holdDays: 0,
  payout: 'credit',
};

export const FRIEND_RULE: RewardRule = {
  key: 'friend-won',
  name: 'Friend won',
  party: 'friend',
  amount: { kind: 'fixed', money: { minor: 5_000n, currency: 'EUR' } },
  conditions: [],
  holdDays: 0,
  payout: 'credit',
};

export function programOf(rules: readonly RewardRule[], publishedAt = T0): ProgramVersion {
  return { programId: 'default', name: 'Default', version: 1, publishedAt, rules };
}

export function contactOf(id: string, more: Partial<ContactFacts> = {}): ContactFacts {
  return {
    ref: { connectionId: CONNECTION, object: 'contact', id },
    presence: 'present',
    name: `Contact ${id}`,
    email: `c${id}@example.com`,
    usedCode: null,
    referredByIds: [],
    formerIds: [],
    ...more,
  };
}

export function pointOf(at: number, more: Partial<Omit<DealPoint, 'at'>> = {}): DealPoint {
  return { at, pipelineId: 'sales', stageId: 'open', amount: '1000.00', currency: 'EUR', ...more };
}

export function dealOf(
  id: string,
  contactIds: readonly string[],
  history: readonly DealPoint[],
  more: Partial<DealFacts> = {},
): DealFacts {
  return {
    ref: { connectionId: CONNECTION, object: 'deal', id },
    presence: 'present',
    name: `Deal ${id}`,
    history,
    contactIds,
    formerIds: [],
    ...more,
  };
}

/**
 * A CRM as plain facts and a store as plain arrays, joined by the real `decide`. The store refuses what the database refuses: a
 * version that is not the next one, an id that exists, a journal that does not balance.
 */
export function createWorld(rules: readonly RewardRule[] = [MEMBER_RULE, FRIEND_RULE]) {
  const contacts = new Map<string, ContactFacts>();
  const deals = new Map<string, DealFacts>();
  const journals = new Map<string, Journal>();
  const intents = new Map<string, PayoutIntent>();
  let state: State = {
    accountId: 'acc_1',
    programs: [programOf(rules)],
    connectedAt: T0,
    mapping: { version: 'map_1', entries: mapCatalog(CATALOG, []) },
    members: [],
    referrals: [],
    decisions: [],
    rewards: [],
    tallies: new Map(),
  };

  function apply(plan: Plan): void {
    state = {
      ...state,
      members: merged<Member>(state.members, plan.members),
      referrals: merged<Referral>(state.referrals, plan.referrals),
      rewards: merged<Reward>(state.rewards, plan.rewards),
      decisions: appended<Decision>(state.decisions, plan.decisions),
      tallies: counted(state.tallies, plan.tallies),
      tiers: [...(state.tiers ?? []), ...plan.tierChanges],
    };
    for (const journal of plan.journals) {
      if (journals.has(journal.id)) throw new Error(`journal ${journal.id} twice`);
      if (imbalance(journal.postings).size > 0) throw new Error(`journal ${journal.id} does not balance`);
      journals.set(journal.id, journal);
    }
    for (const id of plan.cancelledIntentIds) if (!intents.delete(id)) throw new Error(`no intent ${id} to cancel`);
    for (const intent of plan.intents) intents.set(intent.id, intent);
  }

  /** Two contacts of this connection that are tied to one referral. */
  function areOne(a: string, b: string): boolean {
    const here = [...contacts.values()][0]?.ref.connectionId;
    const edges = (state.elsewhere?.edges ?? []).filter(
      ({ record, until }) => until === null && record.connectionId === here,
    );
    const subjectsOf = (id: string) => edges.flatMap(({ record, subject }) => (record.id === id ? [subject] : []));
    return subjectsOf(a).some((subject) => subjectsOf(b).includes(subject));
  }

  function friendsNow(): FriendFacts[] {
    return [...contacts.values()].map((contact) => ({
      contact,
      deals: [...deals.values()].filter(
        (deal) =>
          deal.contactIds.some((id) => id === contact.ref.id || areOne(id, contact.ref.id)) ||
          state.decisions.some(
            (decision) =>
              [deal.ref.id, ...deal.formerIds].includes(decision.deal.id) &&
              state.referrals.some(
                (referral) =>
                  referral.id === decision.referralId &&
                  [contact.ref.id, ...contact.formerIds].includes(referral.friend.contact?.id ?? ''),
              ),
          ),
      ),
    }));
  }

  return {
    contacts,
    deals,
    get state() {
      return state;
    },
    get journals() {
      return [...journals.values()];
    },
    get intents() {
      return [...intents.values()];
    },
    setState(next: Partial<State>) {
      state = { ...state, ...next };
    },
    putContact: (contact: ContactFacts) => void contacts.set(contact.ref.id, contact),
    putDeal: (deal: DealFacts) => void deals.set(deal.ref.id, deal),
    /** Reads everything, or these friends alone, and decides, as the process hop does after any hint or sweep. */
    process(now: number, only?: readonly string[]): Plan {
      const friends = friendsNow().filter(({ contact }) => only?.includes(contact.ref.id) ?? true);
      const plan = decide({ friends, contacts, state, now });
      apply(plan);
      return plan;
    },
    /** What somebody else than the CRM changes, such as a person. */
    change(make: (draft: Draft) => unknown): Plan {
      const draft = createDraft(state);
      make(draft);
      const plan = draft.plan();
      apply(plan);
      return plan;
    },
    /** Lets the provider answer every order that stands. */
    pay(now: number, answer: { ok: true } | { ok: false; why: string } = { ok: true }): void {
      for (const intent of [...intents.values()]) {
        intents.delete(intent.id);
        const reward = state.rewards.find(({ id }) => id === intent.rewardId);
        if (!reward) throw new Error(`no reward for ${intent.id}`);
        const issuing: Reward = { ...reward, state: 'issuing', version: reward.version + 1 };
        apply({ ...createDraft(state).plan(), rewards: [issuing] });
        const draft = createDraft(state);
        settlePayout(draft, issuing, answer, now);
        apply(draft.plan());
      }
    },
    /** The provider has been asked and has not answered: from here a reversal has to wait. */
    startPaying(): void {
      for (const reward of state.rewards.filter(({ state: current }) => current === 'approved')) {
        apply({
          ...createDraft(state).plan(),
          rewards: [{ ...reward, state: 'issuing', version: reward.version + 1 }],
        });
      }
    },
    finishPaying(now: number, answer: { ok: true } | { ok: false; why: string } = { ok: true }): void {
      for (const reward of state.rewards.filter(({ state: current }) => current === 'issuing')) {
        intents.clear();
        const draft = createDraft(state);
        settlePayout(draft, reward, answer, now);
        apply(draft.plan());
      }
    },
    balances(): Record<string, string> {
      const sums = new Map<string, bigint>();
      for (const { account, currency, minor } of [...journals.values()].flatMap(({ postings }) => postings)) {
        const key = `${account} ${currency}`;
        sums.set(key, (sums.get(key) ?? 0n) + minor);
      }
      return Object.fromEntries(
        [...sums]
          .filter(([, sum]) => sum !== 0n)
          .map(([key, sum]) => [key, String(sum)] as const)
          .sort(),
      );
    },
    /** Decisions as a story: what holds apart from when it was written down. */
    story(): string[] {
      return state.decisions
        .map(
          ({ deal, ruleKey, sequence, outcome, reason, effectiveAt, money }) =>
            `${deal.id}/${ruleKey}#${sequence} ${outcome} ${reason.code} ${(effectiveAt - T0) / MINUTE} ${money ? money.minor : '-'}`,
        )
        .sort();
    },
  };
}

export type World = ReturnType<typeof createWorld>;

function merged<T extends { readonly id: string; readonly version: number }>(
  stored: readonly T[],
  changes: readonly T[],
): T[] {
  const byId = new Map(stored.map((entity) => [entity.id, entity]));
  for (const change of changes) {
    const before = byId.get(change.id)?.version ?? 0;
    if (change.version !== before + 1) throw new Error(`${change.id}: version ${change.version} after ${before}`);
    byId.set(change.id, change);
  }
  return [...byId.values()];
}

/** As the database does: what a change rests on has to be so still, and then it is added. */
function counted(stored: Tallies, changes: readonly TallyChange[]): Tallies {
  for (const change of changes) {
    const { count = 0, minor = 0n } = stored.get(tallyKey(change)) ?? {};
    if (change.basis && (change.basis.count !== count || change.basis.minor !== minor))
      throw new Error(`tally ${tallyKey(change)} is not what the change rests on`);
  }
  const next = new Map(stored);
  addTo(next, changes);
  return next;
}

function appended<T extends { readonly id: string }>(stored: readonly T[], added: readonly T[]): T[] {
  const all = [...stored, ...added];
  if (new Set(all.map(({ id }) => id)).size !== all.length) throw new Error('a decision was made twice');
  return all;
}
