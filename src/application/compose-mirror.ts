import { type Decision, type Reward, type RewardState, STANDING_STATES } from '../domain/decision.ts';
import { type ContactMirror, type DealMirror, MIRROR_SUMS, type MirrorValues } from '../domain/mirror.ts';
import { textOf } from '../domain/money.ts';
import { PARTIES } from '../domain/program.ts';
import { type DealNames, reasonText } from '../domain/reason.ts';
import { TEST_MARK } from '../domain/test-run.ts';
import { isoOf } from '../domain/time.ts';
import type { MirrorSource } from './ports/store.ts';

/** Where a member's share link leads; the landing page of the program answers there. */
export function shareLinkOf(publicUrl: string, code: string): string {
  return `${publicUrl}/r/${code}`;
}

/** An image of the share link, for a phone that looks at somebody's screen. */
export function qrUrlOf(publicUrl: string, code: string): string {
  return `${shareLinkOf(publicUrl, code)}/qr.png`;
}

/** What a record should show, from what is stored about it now. */
export function composeMirror(source: MirrorSource, publicUrl: string, names: DealNames): MirrorValues {
  return source.record.object === 'deal' ? dealMirror(source, names) : contactMirror(source, publicUrl, names);
}

export function contactMirror(source: MirrorSource, publicUrl: string, names: DealNames): ContactMirror {
  const { member, lastReward, referrer } = source;
  if (isErased(source)) return NOTHING_SHOWN;
  return {
    kind: 'contact',
    memberId: member?.id ?? null,
    shareLink: member ? shareLinkOf(publicUrl, member.code) : null,
    code: member?.code ?? null,
    referrals: member ? source.referrals : null,
    wonReferrals: member ? source.wonReferrals : null,
    rewardsHeld: sumOf(source, MIRROR_SUMS.held),
    rewardsApproved: sumOf(source, MIRROR_SUMS.approved),
    rewardsIssued: sumOf(source, MIRROR_SUMS.issued),
    rewardsReversed: sumOf(source, MIRROR_SUMS.reversed),
    lastReward: lastReward ? `${textOf(lastReward.money)} (${wordOf(lastReward.state)})` : null,
    lastRewardAt: lastReward ? isoOf(lastReward.updatedAt) : null,
    lastRewardReason: lastReward ? reasonText(lastReward.reason, names) : null,
    tier: member ? (source.tier?.to?.name ?? null) : null,
    referredBy: referrer ? (referrer.name ?? referrer.email ?? referrer.code) : null,
  };
}

/** The CRM may still have the contact of somebody who was forgotten here: nothing of ours stays on it. */
export function isErased({ record, member, referral }: MirrorSource): boolean {
  return record.object === 'contact' && (member?.erasedAt !== undefined || referral?.friendErasedAt !== undefined);
}

/** True where a record has nothing of ours to show. */
export function isNothing({ member, referral, referrer, decisions, rewards, sums }: MirrorSource): boolean {
  const facts = [...decisions, ...rewards, ...sums];
  return member === null && referral === null && referrer === null && facts.length === 0;
}

/** Whoever reads one of the sentences on the record sees what it is. A member of a test has no link that leads anywhere. */
export function markedAsTest(values: MirrorValues): MirrorValues {
  const marked = (text: string | null) => (text === null ? null : `${TEST_MARK}${text}`);
  if (values.kind === 'deal')
    return { ...values, rewardState: marked(values.rewardState), rewardReason: marked(values.rewardReason) };
  return {
    ...values,
    lastReward: marked(values.lastReward),
    lastRewardReason: marked(values.lastRewardReason),
    referredBy: marked(values.referredBy),
  };
}

const NOTHING_SHOWN: ContactMirror = {
  kind: 'contact',
  memberId: null,
  shareLink: null,
  code: null,
  referrals: null,
  wonReferrals: null,
  rewardsHeld: null,
  rewardsApproved: null,
  rewardsIssued: null,
  rewardsReversed: null,
  lastReward: null,
  lastRewardAt: null,
  lastRewardReason: null,
  tier: null,
  referredBy: null,
};

/** A state as people read it in a list or a report. */
function wordOf(state: string): string {
  return state === 'clawed_back' ? 'taken back' : state.replaceAll('_', ' ');
}

function sumOf({ sums }: MirrorSource, states: readonly RewardState[]): string | null {
  const byCurrency = new Map<string, bigint>();
  for (const { state, currency, minor } of sums) {
    if (states.includes(state)) byCurrency.set(currency, (byCurrency.get(currency) ?? 0n) + minor);
  }
  const texts = [...byCurrency]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([currency, minor]) => textOf({ minor, currency }));
  return texts.length === 0 ? null : texts.join(', ');
}

/** A deal can carry rewards for both sides; each part names its party. */
function dealMirror({ referral, rewards, decisions }: MirrorSource, names: DealNames): DealMirror {
  const parts = decisions.toSorted(byParty).map((decision) => {
    const reward = rewardOfDecision(decision, rewards);
    return {
      party: decision.party,
      state: reward?.state ?? decision.outcome,
      why: reasonText(reward?.reason ?? decision.reason, names),
    };
  });
  const states = parts.map(({ party, state }) => `${party}: ${wordOf(state)}`);
  const reasons = new Set(parts.map(({ why }) => why));
  return {
    kind: 'deal',
    referralId: referral?.id ?? null,
    stage: referral?.stage ?? null,
    rewardState: states.length === 0 ? null : states.join(', '),
    rewardReason: reasons.size === 0 ? null : [...reasons].join(' '),
  };
}

export function rewardOfDecision(decision: Decision, rewards: readonly Reward[]): Reward | undefined {
  // The newest decision of a deal that another one was merged into may be about the other's.
  return rewards.find(({ id }) => id === decision.rewardId) ?? rewards.find((other) => standsFor(other, decision));
}

function standsFor(reward: Reward, { referralId, ruleKey }: Decision): boolean {
  return reward.referralId === referralId && reward.ruleKey === ruleKey && STANDING_STATES.includes(reward.state);
}

/** The member's side first, then by rule: the same facts always read the same. */
export function byParty(a: Pick<Decision, 'party' | 'ruleKey'>, b: Pick<Decision, 'party' | 'ruleKey'>): number {
  if (a.party !== b.party) return PARTIES.indexOf(a.party) - PARTIES.indexOf(b.party);
  return a.ruleKey < b.ruleKey ? -1 : a.ruleKey > b.ruleKey ? 1 : 0;
}
