import { type Decision, orderedMinor, type Reward, standingMinor } from './decision.ts';
import { isCredit, type JournalInput, type JournalKind, journalFor } from './ledger.ts';
import { type Draft, intentFor } from './plan.ts';
import { type Reason, reason } from './reason.ts';
import { givenBack, owedTally, undoingTally } from './tally.ts';
import { addDays, type Instant } from './time.ts';

/** When something was true in the CRM, and when we write it down. */
export interface Times {
  readonly effectiveAt: Instant;
  readonly recordedAt: Instant;
}

/** What a reward is when it is granted; the rest follows from it. */
export type NewReward = Omit<Reward, 'version' | 'state' | 'reversalPending' | 'netted' | 'clawedBack'>;

/** A decision becomes a reward: held for its time, for a person's look, or owed and ordered from its provider at once. */
export function grant(draft: Draft, decision: Decision, reward: NewReward): void {
  const state = decision.outcome === 'held' ? 'held' : decision.outcome === 'in_review' ? 'in_review' : 'approved';
  const granted = draft.putReward({ ...reward, state, reversalPending: false, netted: 0n, clawedBack: 0n });
  for (const use of granted.uses) draft.count(use, 'rests');
  book(draft, granted, 'accrue', decision, { whileHeld: state !== 'approved' });
  if (state === 'held' && granted.releaseAt !== null) draft.wake({ record: granted.deal, at: granted.releaseAt });
  if (state === 'approved') order(draft, granted, decision);
}

/** The hold is over: owed now, and ordered; or in the hands of a person who has to approve it. */
export function release(draft: Draft, reward: Reward, decision: Decision): void {
  const changed = { ...reward, reason: decision.reason, updatedAt: decision.recordedAt };
  if (decision.outcome === 'in_review') {
    draft.putReward({ ...changed, state: 'in_review' });
    return;
  }
  const released = draft.putReward({ ...changed, state: 'approved' });
  book(draft, released, 'release', decision);
  order(draft, released, decision);
}

/**
 * What the beneficiary owes back is kept from it; the rest is ordered. What a provider may still undo is left out: kept here and undone there,
 * the beneficiary would have neither.
 */
function order(draft: Draft, reward: Reward, decision: Decision): void {
  const owed = owedTally(reward.beneficiaryId, reward.money.currency);
  // Credit is no cash: a debt in cash is kept from what goes out.
  const undoing = draft.tally(undoingTally(reward.beneficiaryId, reward.money.currency)).minor;
  const debt = isCredit(reward) ? 0n : draft.tally(owed).minor - undoing;
  const netted = debt <= 0n ? 0n : debt < reward.money.minor ? debt : reward.money.minor;
  if (netted === 0n) {
    draft.addIntent(intentFor(reward));
    return;
  }
  const isPaid = netted === reward.money.minor;
  const ordered = draft.putReward({ ...reward, netted, state: isPaid ? 'issued' : reward.state });
  draft.count({ ...owed, count: 0, minor: -netted }, 'rests');
  book(draft, ordered, 'net', decision, { minor: netted });
  if (!isPaid) draft.addIntent(intentFor(ordered));
}

/**
 * Takes a reward back, whatever state it is in. Before the provider is called nothing leaves; while it is being called the answer
 * is waited for (`settlePayout` then takes it back); after it the money is claimed back.
 */
export function reverse(draft: Draft, reward: Reward, decision: Decision): void {
  const times = { effectiveAt: decision.effectiveAt, recordedAt: decision.recordedAt };
  switch (reward.state) {
    case 'approved':
      draft.cancelIntent(intentFor(reward).id);
      end(draft, reward, 'voided', decision.reason, decision.id, times);
      return;
    case 'held':
    case 'in_review':
    case 'failed':
      end(draft, reward, 'voided', decision.reason, decision.id, times);
      return;
    case 'issuing':
      draft.putReward({ ...reward, reversalPending: true, reason: decision.reason, updatedAt: times.recordedAt });
      return;
    case 'issued':
    case 'redeemed':
      end(draft, reward, 'clawed_back', decision.reason, decision.id, times);
      return;
    case 'voided':
    case 'expired':
    case 'clawed_back':
      return;
  }
}

/**
 * Moves part of an issued reward: takes it back (`minor` above zero) or gives again what was taken back before (below). The reward stands
 * for what is left.
 */
export function adjust(draft: Draft, reward: Reward, minor: bigint, decision: Decision): void {
  const uses = reward.uses.map((use) =>
    // A limit counts up and a budget counts down.
    use.minor === 0n ? use : { ...use, minor: use.minor > 0n ? use.minor - minor : use.minor + minor },
  );
  reward.uses.forEach((use, index) => {
    const change = (uses[index]?.minor ?? 0n) - use.minor;
    if (change !== 0n) draft.count({ ...use, count: 0, minor: change });
  });
  const adjusted = draft.putReward({
    ...reward,
    uses,
    clawedBack: reward.clawedBack + minor,
    reason: decision.reason,
    updatedAt: decision.recordedAt,
  });
  const isBack = minor > 0n;
  book(draft, adjusted, isBack ? 'claw_back_part' : 'restore', decision, { minor: isBack ? minor : -minor });
  owe(draft, adjusted, minor);
  takeUpAgain(draft, adjusted, adjusted.clawedBack, decision);
}

export type PayoutResult = { readonly ok: true } | { readonly ok: false; readonly why: string };

/** What a provider's final answer does to a reward that was being issued. Called by the deliver hop. */
export function settlePayout(draft: Draft, reward: Reward, result: PayoutResult, now: Instant): void {
  const times = { effectiveAt: now, recordedAt: now };
  const pending = reward.reversalPending;
  if (!result.ok) {
    if (pending) end(draft, reward, 'voided', reward.reason, null, times);
    else {
      const why = reason('payout_failed', { provider: reward.payout, why: result.why });
      draft.putReward({ ...reward, state: 'failed', reason: why, updatedAt: now });
    }
    return;
  }
  const { expiresAfterDays } = reward;
  const expiresAt = expiresAfterDays === undefined ? undefined : addDays(now, expiresAfterDays);
  const issued = draft.putReward({ ...reward, state: 'issued', expiresAt, updatedAt: now });
  book(draft, issued, 'issue', { id: null, ...times }, { minor: orderedMinor(issued) });
  if (pending) end(draft, issued, 'clawed_back', reward.reason, null, times);
  else if (expiresAt !== undefined) draft.addIntent({ ...intentFor(issued), kind: 'expire', at: expiresAt });
}

/**
 * What a provider tells after its answer.
 * - `paid`: final at last · `redeemed`: the voucher was used · `unclaimed`: it waits for the beneficiary; nothing moves yet
 * - `failed`, `returned`, `cancelled`: the money is with us again
 * - `refunded`: a payment of the friend's own was given back; a fact about a deal, nothing that happens to a reward by itself
 */
export type PayoutNewsKind = 'paid' | 'failed' | 'returned' | 'unclaimed' | 'redeemed' | 'cancelled' | 'refunded';

export interface PayoutNews {
  /** The provider's id of the news; the same again is the same news. */
  readonly eventId: string;
  readonly kind: PayoutNewsKind;
  /** The order's key, or the provider's reference of what it gave; at least one unless `refunded`. */
  readonly key: string | null;
  readonly reference: string | null;
  readonly why: string | null;
  readonly at: Instant;
  /** Of a refund: what was given back of which payment. Ids and amounts, no names. */
  readonly facts?: Readonly<Record<string, string>>;
}

/**
 * `later`: the order is not settled yet, so the news waits for the provider's answer. `nothing`: it changes nothing, now or ever.
 */
export type NewsEffect = 'applied' | 'nothing' | 'later';

/** What news from a provider does to a reward. The money that came back stands against what the beneficiary is owed, or owes. */
export function payoutNews(
  draft: Draft,
  reward: Reward,
  news: Pick<PayoutNews, 'kind' | 'why' | 'at'>,
  now: Instant,
): NewsEffect {
  if (reward.state === 'approved' || reward.state === 'issuing') return 'later';
  const times = { effectiveAt: Math.min(news.at, now), recordedAt: now };
  switch (news.kind) {
    case 'paid':
    case 'unclaimed':
    case 'refunded':
      return 'nothing';
    case 'redeemed':
      if (reward.state !== 'issued') return 'nothing';
      draft.putReward({ ...reward, state: 'redeemed', updatedAt: now });
      return 'applied';
    case 'failed':
    case 'returned':
    case 'cancelled':
      return comeBack(draft, reward, news, times);
  }
}

function comeBack(draft: Draft, reward: Reward, { kind, why }: Pick<PayoutNews, 'kind' | 'why'>, times: Times) {
  const values = { provider: reward.payout, why: why ?? kind };
  if (reward.state === 'issued' || reward.state === 'redeemed') {
    const failed = draft.putReward({
      ...reward,
      state: 'failed',
      reason: reason('payout_returned', values),
      updatedAt: times.recordedAt,
    });
    book(draft, failed, 'return', { id: null, ...times }, { minor: orderedMinor(failed) });
    return 'applied';
  }
  // Taken back before the money came back: what the beneficiary owed is settled by it. Once; a further message finds it returned.
  if (reward.state === 'clawed_back' && reward.reason.code !== 'payout_returned') {
    const settled = draft.putReward({
      ...reward,
      reason: reason('payout_returned', values),
      updatedAt: times.recordedAt,
    });
    const minor = orderedMinor(settled);
    book(draft, settled, 'return', { id: null, ...times }, { minor, afterClawBack: true });
    owe(draft, settled, -minor);
    takeUpAgain(draft, settled, settled.netted, { id: null, ...times });
    return 'applied';
  }
  return 'nothing';
}

function end(
  draft: Draft,
  reward: Reward,
  state: 'voided' | 'clawed_back',
  why: Reason,
  decisionId: string | null,
  { effectiveAt, recordedAt }: Times,
): void {
  const whileHeld = reward.state === 'held' || reward.state === 'in_review';
  const cause = { id: decisionId, effectiveAt, recordedAt };
  const ended = draft.putReward({ ...reward, state, reason: why, reversalPending: false, updatedAt: recordedAt });
  for (const change of givenBack(reward.uses)) draft.count(change);
  if (state === 'clawed_back') {
    const minor = standingMinor(ended);
    if (minor > 0n) book(draft, ended, 'claw_back', cause, { minor });
    owe(draft, ended, minor);
    // What was used is gone; what was kept whole for a debt had no order.
    if (reward.cancelsIssued && reward.state === 'issued' && orderedMinor(reward) > 0n) {
      draft.addIntent({ ...intentFor(reward), kind: 'cancel', at: null });
      countUndoing(draft, ended, minor);
    }
    return;
  }
  book(draft, ended, 'void', cause, { whileHeld, minor: orderedMinor(ended) });
  forgiveParts(draft, ended, cause);
  if (ended.netted === 0n) return;
  // The debt that it was kept for is there again.
  book(draft, ended, 'unnet', cause, { minor: ended.netted });
  draft.count({ ...owedTally(ended.beneficiaryId, ended.money.currency), count: 0, minor: ended.netted });
}

/** What was taken back of it in parts is nobody's debt any more, since all of it came back. */
function forgiveParts(draft: Draft, reward: Reward, cause: Times & { readonly id: string | null }): void {
  if (reward.clawedBack === 0n) return;
  book(draft, reward, 'restore', cause, { minor: reward.clawedBack });
  owe(draft, reward, -reward.clawedBack);
  takeUpAgain(draft, reward, 0n, cause);
  draft.putReward({ ...(draft.reward(reward.id) ?? reward), clawedBack: 0n });
}

/**
 * What was not used in time ends, and the provider has undone it: nothing was spent on it. What was kept of it for a debt stays kept, since that
 * debt was paid with it.
 */
export function expire(draft: Draft, reward: Reward, decision: Decision): void {
  const times = { effectiveAt: decision.effectiveAt, recordedAt: decision.recordedAt };
  const ended = draft.putReward({
    ...reward,
    state: 'expired',
    reason: decision.reason,
    updatedAt: decision.recordedAt,
  });
  for (const change of givenBack(reward.uses)) draft.count(change);
  forgiveParts(draft, ended, { id: decision.id, ...times });
  book(draft, ended, 'expire', { id: decision.id, ...times }, { minor: orderedMinor(ended) });
}

/** No more can be written off than is claimed: what came back, or was given again, beyond it undoes the loss. */
function takeUpAgain(
  draft: Draft,
  reward: Reward,
  claimed: bigint,
  cause: Times & { readonly id: string | null },
): void {
  const again = (reward.writtenOff ?? 0n) - claimed;
  if (again <= 0n) return;
  draft.putReward({ ...reward, writtenOff: claimed === 0n ? undefined : claimed });
  book(draft, reward, 'unwrite_off', cause, { minor: again });
  owe(draft, reward, again);
}

/** Minor units that are claimed of a reward's beneficiary and were not written off. Credit is taken back from the credit itself. */
export function claimedMinor(reward: Reward): bigint {
  if (isCredit(reward)) return 0n;
  const cameBack = reward.reason.code === 'payout_returned';
  const claimed = reward.state !== 'clawed_back' ? reward.clawedBack : cameBack ? reward.netted : reward.money.minor;
  return claimed - (reward.writtenOff ?? 0n);
}

/** What nobody is asked for any more, by a person's decision. */
export function writeOff(draft: Draft, reward: Reward, minor: bigint, decision: Decision): void {
  draft.putReward({
    ...reward,
    writtenOff: (reward.writtenOff ?? 0n) + minor,
    // That its money came back is remembered by the reason; a second message of it must find it.
    reason: reward.reason.code === 'payout_returned' ? reward.reason : decision.reason,
    updatedAt: decision.recordedAt,
  });
  book(draft, reward, 'write_off', decision, { minor });
  const owed = owedTally(reward.beneficiaryId, reward.money.currency);
  draft.count({ ...owed, count: 0, minor: -minor }, 'rests');
}

/** The provider has said whether it has undone it. What it has not is owed from now on like any other debt. */
export function undoingIsOver(draft: Draft, reward: Reward): void {
  countUndoing(draft, reward, -standingMinor(reward));
}

function countUndoing(draft: Draft, reward: Reward, minor: bigint): void {
  if (isCredit(reward) || minor === 0n) return;
  draft.count({ ...undoingTally(reward.beneficiaryId, reward.money.currency), count: 0, minor });
}

function owe(draft: Draft, reward: Reward, minor: bigint): void {
  if (isCredit(reward) || minor === 0n) return;
  draft.count({ ...owedTally(reward.beneficiaryId, reward.money.currency), count: 0, minor });
}

function book(
  draft: Draft,
  reward: Reward,
  kind: JournalKind,
  { id, effectiveAt, recordedAt }: Times & { readonly id: string | null },
  how: Partial<Pick<JournalInput, 'minor' | 'whileHeld' | 'afterClawBack'>> = {},
): void {
  draft.addJournal(journalFor({ reward, kind, decisionId: id, effectiveAt, recordedAt, ...how }));
}
