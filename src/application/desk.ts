import { type AlertFacts, alertsOf, BASE_DAYS, BURN_DAYS, OWED_AGAIN, RECENT_HOURS } from '../domain/alert.ts';
import { type Case, type CaseOutcome, type CaseWord, type NewCase, SYSTEM } from '../domain/case.ts';
import { allowByPerson, canBeTakenBack, takeBackByPerson } from '../domain/desk-word.ts';
import { Fault } from '../domain/errors.ts';
import { createDraft, type Draft, stateWith } from '../domain/plan.ts';
import type { RecordRef } from '../domain/record.ts';
import type { Instant } from '../domain/time.ts';
import type { Clock } from '../platform/clock.ts';
import type { CaseChanged, LoadedCase, Store } from './ports/store.ts';
import type { Reattribute } from './re-attribute.ts';
import type { Review } from './review.ts';

/** The CRM may bring news of the same referral at the same moment; then it is looked at again. */
const TRIES = 5;
/** Cases that are moved up in one transaction. */
const ESCALATED_AT_ONCE_MAX = 100;
/** Somebody has dealt with an alert: the same cause is told again when it still holds a day later. */
const QUIET_MS = 24 * 3_600_000;
/** What is owed again can only be paid outside, which our books are not told: finance is asked about the same amount once a month. */
const OWED_QUIET_MS = 30 * 24 * 3_600_000;

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Outcomes from which something follows. The case ends with that, or not at all. */
const MOVING: readonly CaseOutcome[] = ['approved', 'rejected', 'allowed', 'taken_back', 'reattributed'];

export const CLAIMS = ['wrong_member', 'not_rewarded', 'wrong_amount', 'fraud', 'other'] as const;
export type Claim = (typeof CLAIMS)[number];

export interface Dispute {
  readonly referralId: string;
  readonly rewardId: string | null;
  readonly claim: Claim;
  /** The member that the referral should belong to. */
  readonly memberId: string | null;
  readonly words: string;
  readonly by: { readonly role: 'rep' | 'member' | 'admin'; readonly id: string };
}

export type DisputeResult =
  | { readonly kind: 'opened' | 'existing'; readonly case: Case }
  | { readonly kind: 'refused'; readonly code: 'no_such_referral' | 'no_such_reward' | 'no_such_member' };

/**
 * `not_for_this_case`: the outcome is none of those that a case of its kind can have. `awaits_nobody`: somebody else, or the deal, has
 * settled it: the case as it is now.
 */
export type DeskDecided =
  | { readonly kind: 'decided'; readonly case: Case }
  | { readonly kind: 'refused'; readonly code: 'no_such_case' | 'no_such_member' }
  | { readonly kind: 'refused'; readonly code: 'not_for_this_case'; readonly allowed: readonly CaseOutcome[] }
  | { readonly kind: 'refused'; readonly code: 'awaits_nobody'; readonly case: Case };

export interface DeskDeps {
  readonly store: Pick<Store, 'cases' | 'desk' | 'drift' | 'reads' | 'accounts'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly review: Review;
  readonly newId: () => string;
  /** Called when records are to be looked at. */
  readonly onAsked: () => void;
  readonly reattribute: Reattribute;
}

/** What a person says; `memberId` is whose a referral becomes, where the dispute names nobody or somebody else. */
export interface SaidWord extends Omit<CaseWord, 'at'> {
  readonly memberId?: string | undefined;
}

export interface Desk {
  /** What a person decides; everything that follows from it is one transaction with the end of the case. */
  decide(accountId: string, caseId: string, word: SaidWord): Promise<DeskDecided>;
  dispute(accountId: string, dispute: Dispute): Promise<DisputeResult>;
  /** Moves every case whose time has passed to whoever is next; returns how many steps that were. */
  escalateAll(signal?: AbortSignal): Promise<number>;
  /** Looks for unusual patterns in every account; returns how many alerts were opened. */
  watchAll(signal?: AbortSignal): Promise<number>;
}

export function createDesk(deps: DeskDeps): Desk {
  const { store, clock, review } = deps;

  async function decide(accountId: string, caseId: string, said: SaidWord): Promise<DeskDecided> {
    const { memberId, ...spoken } = said;
    const known = await store.desk.get(accountId, caseId);
    if (!known) return { kind: 'refused', code: 'no_such_case' };
    if (memberId !== undefined && !(await store.reads.member(accountId, memberId)))
      return { kind: 'refused', code: 'no_such_member' };
    if (known.case.state !== 'open') return { kind: 'refused', code: 'awaits_nobody', case: known.case };
    const asked = memberId === undefined ? known.case : namingMember(known.case, memberId);
    const allowed = outcomesOf(asked);
    if (!allowed.includes(said.outcome)) return { kind: 'refused', code: 'not_for_this_case', allowed };
    const word = { ...spoken, at: clock.now() };
    if (!MOVING.includes(said.outcome)) return outcomeOf(await store.desk.decide(accountId, caseId, word));
    if (await carryOut(accountId, asked, word)) return decided(accountId, caseId);
    return { kind: 'refused', code: 'not_for_this_case', allowed: allowed.filter((one) => one !== said.outcome) };
  }

  /** Decides the case with what follows from the word; false when there is nothing left that could follow. */
  async function carryOut(accountId: string, one: Case, word: CaseWord): Promise<boolean> {
    if (one.topic === 'reward_review' && one.rewardId !== null) {
      await review(accountId, one.rewardId, { isApproved: word.outcome === 'approved', by: word.by, why: word.why });
      return true;
    }
    if (word.outcome === 'allowed') return allow(accountId, one, word);
    return one.kind === 'dispute' && resolveDispute(accountId, one, word);
  }

  /** To the member whom the dispute names. */
  async function giveToOther(accountId: string, { id, referralId, facts }: Case, word: CaseWord): Promise<boolean> {
    const { memberId } = facts;
    if (referralId === null || typeof memberId !== 'string') return false;
    const { by, why } = word;
    const move = { memberId, by, why };
    return (await deps.reattribute(accountId, referralId, move, [{ id, word }])).kind !== 'refused';
  }

  /** The outcomes of a dispute that move something. Each is one plan together with the end of the case. */
  async function resolveDispute(accountId: string, one: Case, word: CaseWord): Promise<boolean> {
    if (word.outcome === 'reattributed') return giveToOther(accountId, one, word);
    const { rewardId } = one;
    if (word.outcome !== 'taken_back' || rewardId === null) return false;
    const reward = await store.reads.reward(accountId, rewardId);
    if (!reward) return false;
    return change(accountId, reward.deal, (draft) => {
      const current = draft.reward(rewardId);
      if (!current || !canBeTakenBack(current)) return null;
      takeBackByPerson(draft, accountId, current, word);
      return [{ id: one.id, word }];
    });
  }

  async function allow(accountId: string, one: Case, word: CaseWord): Promise<boolean> {
    const { dealId, connectionId, ruleKey } = one.facts as Record<string, string>;
    if (!dealId || !connectionId || !ruleKey || one.referralId === null) return false;
    const deal: RecordRef = { connectionId, object: 'deal', id: dealId };
    const of = { referralId: one.referralId, deal, ruleKey };
    // The decision itself settles the case.
    const isAllowed = await change(accountId, deal, (draft) => (allowByPerson(draft, accountId, of, word) ? [] : null));
    if (isAllowed) deps.onAsked();
    return isAllowed;
  }

  /** Loads what bears on a deal, changes it and commits; again when others were faster. False when there was nothing to change. */
  async function change(
    accountId: string,
    deal: RecordRef,
    make: (draft: Draft, loaded: LoadedCase) => ReadonlyArray<{ id: string; word: CaseWord }> | null,
  ): Promise<boolean> {
    for (let tries = 0; tries < TRIES; tries += 1) {
      const loaded = await store.cases.load({
        accountId,
        connectionId: deal.connectionId,
        contactIds: [],
        dealIds: [deal.id],
        emails: [],
        codes: [],
        companies: [],
      });
      const draft = createDraft(stateWith(accountId, loaded));
      const cases = make(draft, loaded);
      if (!cases) return false;
      const plan = { ...draft.plan(), cases };
      const [result] = await store.cases.commit([
        { accountId, plan, snapshots: [], restsOn: [], settles: [], erase: [] },
      ]);
      if (result === 'committed') return true;
    }
    throw new Fault(
      'busy',
      { kind: 'retry' },
      'Others changed the same referral at the same time. Nothing was written.',
    );
  }

  /** Opens those that hold, and ends what holds no longer, or not in this amount. */
  async function tellOwed(accountId: string, owed: readonly NewCase[], now: Instant): Promise<number> {
    const open = await store.desk.openAlerts(accountId, OWED_AGAIN);
    const why = 'The amount that is owed again is another now, or none.';
    const ends = open
      .filter(({ dedupeKey }) => !owed.some((one) => one.dedupeKey === dedupeKey))
      .map(({ dedupeKey }) => ({ dedupeKey, word: { outcome: 'moot' as const, by: SYSTEM, why, at: now } }));
    const opens = owed.map((one) => ({ case: one, unlessClosedSince: now - OWED_QUIET_MS }));
    return opens.length + ends.length === 0 ? 0 : store.drift.tell(accountId, opens, ends);
  }

  async function decided(accountId: string, caseId: string): Promise<DeskDecided> {
    const now = await store.desk.get(accountId, caseId);
    if (!now) return { kind: 'refused', code: 'no_such_case' };
    return now.case.state === 'decided'
      ? { kind: 'decided', case: now.case }
      : { kind: 'refused', code: 'awaits_nobody', case: now.case };
  }

  return {
    decide,

    async dispute(accountId, { referralId, rewardId, claim, memberId, words, by }) {
      const referral = await store.reads.referral(accountId, referralId);
      if (!referral) return { kind: 'refused', code: 'no_such_referral' };
      const reward = rewardId === null ? null : await store.reads.reward(accountId, rewardId);
      if (rewardId !== null && reward?.referralId !== referralId) return { kind: 'refused', code: 'no_such_reward' };
      if (memberId !== null && !(await store.reads.member(accountId, memberId)))
        return { kind: 'refused', code: 'no_such_member' };
      const now = clock.now();
      const dispute: NewCase = {
        id: `cas_${deps.newId()}`,
        kind: 'dispute',
        topic: claim,
        dedupeKey: `dispute ${claim} ${referralId} ${rewardId ?? ''}`.trimEnd(),
        severity: claim === 'fraud' ? 'high' : 'normal',
        referralId,
        rewardId,
        value: reward?.money ?? null,
        summary: words,
        facts: { claim, ...(memberId === null ? {} : { memberId }) },
        openedBy: `${by.role} ${by.id}`,
        openedAt: now,
      };
      const opened = await store.desk.open(accountId, dispute);
      if (opened) return { kind: 'opened', case: opened };
      const page = { limit: 100, cursor: null };
      const { items } = await store.desk.list(accountId, page, { kind: 'dispute', state: 'open', referralId });
      const existing = items.find(({ dedupeKey }) => dedupeKey === dispute.dedupeKey);
      // Decided between the two looks: the next one opens it.
      if (!existing) throw new Fault('busy', { kind: 'retry' }, 'The same dispute was decided at this very moment.');
      return { kind: 'existing', case: existing };
    },

    async escalateAll(signal) {
      let steps = 0;
      for (let moved = ESCALATED_AT_ONCE_MAX; moved === ESCALATED_AT_ONCE_MAX && !signal?.aborted; steps += moved)
        moved = await store.desk.escalateDue(clock.now(), ESCALATED_AT_ONCE_MAX);
      return steps;
    },

    async watchAll(signal) {
      let opened = 0;
      for (const { id } of await store.accounts.list()) {
        if (signal?.aborted) break;
        const now = clock.now();
        const facts: AlertFacts = await store.desk.alertFacts(id, alertTimes(now));
        const alerts = alertsOf(id, facts, now);
        const [owed, others] = [alerts.filter(isOwedAgain), alerts.filter((one) => !isOwedAgain(one))];
        for (const alert of others) if (await store.desk.open(id, alert, now - QUIET_MS)) opened += 1;
        opened += await tellOwed(id, owed, now);
      }
      return opened;
    },
  };
}

function isOwedAgain({ topic }: NewCase): boolean {
  return topic === OWED_AGAIN;
}

function alertTimes(now: Instant) {
  const recentFrom = now - RECENT_HOURS * HOUR_MS;
  return { recentFrom, baseFrom: recentFrom - BASE_DAYS * DAY_MS, burnFrom: now - BURN_DAYS * DAY_MS };
}

/** A dispute as if it had named the member. */
function namingMember(one: Case, memberId: string): Case {
  return one.kind === 'dispute' ? { ...one, facts: { ...one.facts, memberId } } : one;
}

/** How a case can end by a person's word. */
export function outcomesOf({ kind, topic, rewardId, facts }: Case): CaseOutcome[] {
  if (topic === 'reward_review') return ['approved', 'rejected'];
  if (topic === 'risk_blocked') return ['allowed', 'dismissed'];
  if (kind === 'alert') return ['resolved', 'dismissed'];
  return [
    ...(rewardId === null ? [] : ['taken_back' as const]),
    // To whom, the dispute has to say.
    ...(typeof facts.memberId === 'string' ? ['reattributed' as const] : []),
    'upheld',
    'dismissed',
  ];
}

function outcomeOf(changed: CaseChanged): DeskDecided {
  switch (changed.kind) {
    case 'changed':
      return { kind: 'decided', case: changed.case };
    case 'awaits_nobody':
      return { kind: 'refused', code: 'awaits_nobody', case: changed.case };
    case 'no_such_case':
      return { kind: 'refused', code: 'no_such_case' };
  }
}
