import type { CrmRecord } from './crm.ts';
import { type Expected, RULE_KEYS, type sharedDeals } from './oracle.ts';
import type { RewardReceiver } from './reward-receiver.ts';
import type { AccountView, ApiReward, Money } from './service-api.ts';

/** The laws of shared/mission.md, asked from outside when everything has come to rest. Each gives the sentences of what is wrong. */

const STANDING = ['held', 'in_review', 'approved', 'issuing', 'issued', 'redeemed', 'failed'];
const GIVEN = ['issued', 'redeemed', 'clawed_back'];

function textOf({ amount, currency }: Money): string {
  return `${amount} ${currency}`;
}

export function minorOf({ amount }: Money): bigint {
  return BigInt(amount.replace('.', ''));
}

function stands({ state, reversalPending }: ApiReward): boolean {
  return STANDING.includes(state) && !reversalPending;
}

class Sums {
  readonly #sums = new Map<string, bigint>();

  add(key: string, minor: bigint): void {
    const sum = (this.#sums.get(key) ?? 0n) + minor;
    if (sum === 0n) this.#sums.delete(key);
    else this.#sums.set(key, sum);
  }

  /** What is zero is left out. */
  text(): string {
    return [...this.#sums]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, minor]) => `${key} ${minor}`)
      .join('; ');
  }
}

function differ(what: string, actual: Sums, expected: Sums): string[] {
  return actual.text() === expected.text() ? [] : [`${what}: is ${actual.text()}, should be ${expected.text()}`];
}

/** Law 1: what the CRM's records say is what stands, and once. */
export function rewardsAreWhatTheCrmSays(
  view: AccountView,
  expected: readonly Expected[],
  contacts: readonly CrmRecord[],
): string[] {
  const mergedIds = new Set(contacts.flatMap(({ properties }) => (properties.hs_merged_object_ids ?? '').split(';')));
  const problems: string[] = [];
  const contactOf = new Map(view.members.map(({ id, contact }) => [id, contact?.id]));
  const seen = new Set<string>();
  for (const one of expected) {
    const mine = view.referrals.filter(({ friend }) => friend.contact?.id === one.friendId);
    const [referral] = mine;
    if (!referral || mine.length > 1) {
      problems.push(`friend ${one.friendId} has ${mine.length} referrals`);
      continue;
    }
    seen.add(referral.id);
    if (contactOf.get(referral.memberId) !== one.referrerId)
      problems.push(`friend ${one.friendId} belongs to ${contactOf.get(referral.memberId)}, not to ${one.referrerId}`);
    if (referral.stage !== one.stage)
      problems.push(`the referral of friend ${one.friendId} is ${referral.stage}, should be ${one.stage}`);
    for (const rule of RULE_KEYS) {
      const rewards = view.rewards.filter(
        (reward) => reward.referralId === referral.id && reward.ruleKey === rule && stands(reward),
      );
      const actual =
        rewards.map(({ deal, money }) => `${textOf(money)} for deal ${deal.id}`).join(' and ') || 'nothing';
      const allowed = one.rewards[rule].map((pay) => (pay ? `${pay.amount} for deal ${pay.dealId}` : 'nothing'));
      if (!allowed.includes(actual))
        problems.push(`${rule} of friend ${one.friendId}: ${actual} stands, should be ${allowed.join(' or ')}`);
    }
  }
  // A contact that was merged into another one may have been a friend of its own; that referral is history and holds nothing.
  for (const { id, friend, memberId, submittedAt } of view.referrals) {
    if (seen.has(id)) continue;
    const holds = view.rewards.some((reward) => reward.referralId === id && stands(reward));
    if (holds || !mergedIds.has(friend.contact?.id ?? ''))
      problems.push(
        `referral ${id} (of ${memberId}, ${submittedAt}) is of contact ${friend.contact?.id}, whom nobody has referred`,
      );
  }
  for (const [key, rewards] of Map.groupBy(
    view.rewards.filter(stands),
    ({ deal, ruleKey }) => `${ruleKey} for ${deal.id}`,
  ))
    if (rewards.length > 1) problems.push(`${key} stands ${rewards.length} times`);
  const ended = view.rewards.filter(({ state, reversalPending }) => state === 'failed' || reversalPending);
  for (const { id, state } of ended)
    problems.push(`reward ${id} has come to rest as ${state}, with its reversal pending`);
  return problems;
}

/** The same for deals that several friends are on: one of them is paid. */
export function sharedDealsPayOnce({ rewards }: AccountView, expected: ReturnType<typeof sharedDeals>): string[] {
  return expected.flatMap(({ dealId, rewards: ought }) =>
    RULE_KEYS.flatMap((rule) => {
      const standing = rewards.filter(({ deal, ruleKey }) => deal.id === dealId && ruleKey === rule).filter(stands);
      const actual = standing.map(({ money }) => textOf(money)).join(' and ') || 'nothing';
      const wanted = ought[rule].map((pay) => pay?.amount ?? 'nothing').join();
      return actual === wanted ? [] : [`${rule} for the shared deal ${dealId}: ${actual} stands, should be ${wanted}`];
    }),
  );
}

/** Law 2: every reward names a decision, and the chains tell a story without a gap. */
export function decisionsTellTheStory({ decisions, rewards, referrals }: AccountView): string[] {
  const problems: string[] = [];
  const referralIds = new Set(referrals.map(({ id }) => id));
  const chains = Map.groupBy(decisions, ({ referralId, deal, ruleKey }) => `${referralId} ${deal.id} ${ruleKey}`);
  for (const [key, chain] of chains) {
    chain.sort((a, b) => a.sequence - b.sequence);
    const sequences = chain.map(({ sequence }) => sequence);
    if (sequences.some((sequence, index) => sequence !== index + 1))
      problems.push(`the decisions of ${key} are numbered ${sequences.join(', ')}`);
    let standing: string | null = null;
    for (const { outcome, rewardId, sequence } of chain) {
      const isOdd =
        outcome === 'rewarded' ? standing !== null || !rewardId : outcome === 'reversed' && standing !== rewardId;
      if (isOdd) problems.push(`decision ${sequence} of ${key} is ${outcome} for ${rewardId} while ${standing} stands`);
      if (outcome === 'rewarded') standing = rewardId;
      if (outcome === 'reversed') standing = null;
      if ((outcome === 'skipped' || outcome === 'waiting') && standing !== null)
        problems.push(`decision ${sequence} of ${key} is ${outcome} while ${standing} stands`);
    }
    const isStanding = rewards.some((reward) => reward.id === standing && stands(reward));
    if (standing !== null && !isStanding)
      problems.push(`the newest decision of ${key} stands for ${standing}, which has ended`);
  }
  for (const reward of rewards) {
    const own = decisions.filter(({ rewardId }) => rewardId === reward.id);
    const granted = own.filter(({ outcome }) => outcome === 'rewarded' || outcome === 'held');
    if (granted.length === 0) problems.push(`no decision has granted reward ${reward.id}`);
    if (granted.some(({ money }) => money === null || textOf(money) !== textOf(reward.money)))
      problems.push(`reward ${reward.id} has another amount than its decision`);
    const reversed = own.some(({ outcome }) => outcome === 'reversed');
    if (!stands(reward) && !reversed) problems.push(`reward ${reward.id} has ended without a decision`);
    if (!referralIds.has(reward.referralId)) problems.push(`reward ${reward.id} belongs to no referral`);
  }
  return problems;
}

/** Law 3: the money is there, twice and in balance. */
export function ledgerBalances({ journals, balances, rewards, decisions }: AccountView): string[] {
  const problems: string[] = [];
  const folded = new Sums();
  const decisionIds = new Set(decisions.map(({ id }) => id));
  for (const { id, kind, decisionId, postings } of journals) {
    const sums = new Sums();
    for (const posting of postings) {
      sums.add(posting.currency, minorOf(posting));
      folded.add(`${posting.account} ${posting.currency}`, minorOf(posting));
    }
    if (sums.text() !== '') problems.push(`journal ${id} is off by ${sums.text()}`);
    if (postings.length < 2) problems.push(`journal ${id} has ${postings.length} postings`);
    if (decisionId !== null && !decisionIds.has(decisionId))
      problems.push(`journal ${id} names no decision that exists`);
    if (decisionId === null && (kind === 'accrue' || kind === 'release'))
      problems.push(`journal ${id} owes money without a decision`);
  }
  const shown = new Sums();
  for (const balance of balances) shown.add(`${balance.account} ${balance.currency}`, minorOf(balance));
  problems.push(...differ('balances against the journals', shown, folded));

  // What ought to be in the books, from the rewards alone.
  const ought = new Sums();
  for (const reward of rewards) {
    const { party, beneficiaryId, payout, programId, state, money } = reward;
    const put = (account: string, minor: bigint) => ought.add(`${account} ${money.currency}`, minor);
    const minor = minorOf(money);
    const isCredit = payout === 'credit';
    const ordered = orderedOf(reward);
    const back = `${isCredit ? 'credit' : 'receivable'}:${party}:${beneficiaryId}`;
    const parts = minorOf({ amount: reward.clawedBack, currency: money.currency });
    if (STANDING.includes(state)) put(`expense:${programId}`, minor - parts);
    if (GIVEN.includes(state)) put(isCredit ? `credit:${party}:${beneficiaryId}` : `provider:${payout}`, -ordered);
    else if (STANDING.includes(state)) put(`payable:${party}:${beneficiaryId}`, -ordered);
    // What is owed back: what was taken back, less what was kept from later rewards.
    if (state === 'clawed_back') put(back, minor);
    else if (state !== 'voided') put(back, parts);
    if (state !== 'voided') put(`receivable:${party}:${beneficiaryId}`, ordered - minor);
  }
  problems.push(...differ('the books against the rewards', folded, ought));
  return problems;
}

/** What its order sends: what was kept for an older debt stays. */
function orderedOf({ money, netted }: ApiReward): bigint {
  return minorOf(money) - minorOf({ amount: netted, currency: money.currency });
}

/** Money that left: each order was accepted under one key, for a reward that says so. */
export function receiverAgrees(views: readonly AccountView[], receiver: RewardReceiver): string[] {
  const problems: string[] = [...receiver.violations];
  const rewards = new Map(
    views.flatMap((view) => view.rewards.map((reward) => [reward.id, { accountId: view.accountId, reward }] as const)),
  );
  const keysOf = Map.groupBy(receiver.accepted.keys(), (key) => receiver.accepted.get(key)?.order.rewardId ?? '');
  for (const { reward } of rewards.values()) {
    const keys = keysOf.get(reward.id) ?? [];
    const isSent = reward.payout === 'webhook' && orderedOf(reward) > 0n;
    const wanted = isSent && GIVEN.includes(reward.state) ? 1 : 0;
    if (keys.length !== wanted)
      problems.push(
        `reward ${reward.id} (${reward.payout}, ${reward.state}) was given ${keys.length} times by the receiver`,
      );
  }
  for (const [key, { order }] of receiver.accepted) {
    const known = rewards.get(order.rewardId);
    if (!known) problems.push(`the receiver gave reward ${order.rewardId} (order ${key}), which nobody knows`);
    else if (
      orderedOf(known.reward) !== minorOf(order) ||
      known.reward.money.currency !== order.currency ||
      known.accountId !== order.accountId
    )
      problems.push(`the receiver gave ${textOf(order)} for reward ${order.rewardId} of ${textOf(known.reward.money)}`);
  }
  return problems;
}

/** Law 5: the CRM shows what the service knows. */
export function mirrorIsEqual(
  view: AccountView,
  contacts: readonly CrmRecord[],
  deals: readonly CrmRecord[],
): string[] {
  const problems: string[] = [];
  const check = (record: CrmRecord, what: string, shown: Readonly<Record<string, string | null>>) => {
    for (const [name, value] of Object.entries(shown)) {
      const actual = record.properties[name] ?? '';
      if (actual !== (value ?? ''))
        problems.push(`${what} ${record.id} shows ${name} "${actual}", should be "${value ?? ''}"`);
    }
  };
  for (const contact of contacts) {
    const member = view.members.find((candidate) => candidate.contact?.id === contact.id);
    const brought = view.referrals.filter(({ friend }) => friend.contact?.id === contact.id);
    const made = member ? view.referrals.filter(({ memberId }) => memberId === member.id) : [];
    const own = new Set([...(member ? [member.id] : []), ...brought.map(({ id }) => id)]);
    const rewards = view.rewards.filter(({ beneficiaryId }) => own.has(beneficiaryId));
    const referrer = view.members.find(({ id }) => id === brought[0]?.memberId);
    check(contact, 'contact', {
      wonward_id: member?.id ?? null,
      wonward_share_link: member?.shareLink ?? null,
      wonward_code: member?.code ?? null,
      wonward_referrals: member ? String(made.length) : null,
      wonward_won_referrals: member ? String(made.filter(({ stage }) => stage === 'won').length) : null,
      wonward_rewards_held: sumText(rewards, ['held', 'in_review']),
      wonward_rewards_approved: sumText(rewards, ['approved', 'issuing', 'failed']),
      wonward_rewards_issued: sumText(rewards, ['issued', 'redeemed']),
      wonward_rewards_reversed: sumText(rewards, ['voided', 'clawed_back', 'expired']),
    });
    // A new name of the member's comes to the friends' records with their next change.
    const names = referrer ? namesOf(contacts.find(({ id }) => id === referrer.contact?.id)) : [''];
    const referredBy = contact.properties.wonward_referred_by ?? '';
    if (!names.includes(referredBy))
      problems.push(
        `contact ${contact.id} shows "${referredBy}" as who referred them, should be "${names.join('" or "')}"`,
      );
    const newest = rewards.filter(({ createdAt }) => rewards.every((other) => other.createdAt <= createdAt));
    const last = contact.properties.wonward_last_reward ?? '';
    const allowed = newest.map(({ money, state }) => `${textOf(money)} (${wordOf(state)})`);
    if (!(allowed.length === 0 ? last === '' : allowed.includes(last)))
      problems.push(`contact ${contact.id} shows its last reward as "${last}", should be "${allowed.join('" or "')}"`);
  }
  for (const deal of deals) {
    const own = view.decisions.filter((decision) => decision.deal.id === deal.id);
    const holder = view.rewards.find((reward) => reward.deal.id === deal.id && STANDING.includes(reward.state));
    const referralIds = new Set(own.map(({ referralId }) => referralId));
    const shownId = deal.properties.wonward_referral_id ?? '';
    if (own.length === 0) {
      check(deal, 'deal', { wonward_reward_state: null });
      continue;
    }
    if (holder ? shownId !== holder.referralId : !referralIds.has(shownId)) {
      problems.push(
        `deal ${deal.id} shows referral "${shownId}", should be "${holder?.referralId ?? [...referralIds].join('" or "')}"`,
      );
      continue;
    }
    const parts = [...new Set(own.map(({ ruleKey }) => ruleKey))].flatMap((rule) => {
      const chain = own.filter(({ ruleKey, referralId }) => ruleKey === rule && referralId === shownId);
      const newest = chain.sort((a, b) => b.sequence - a.sequence)[0];
      if (!newest) return [];
      const reward = view.rewards.find(({ id }) => id === newest.rewardId);
      return [`${newest.party}: ${wordOf(reward?.state ?? newest.outcome)}`];
    });
    const actual = (deal.properties.wonward_reward_state ?? '').split(', ').sort().join(', ');
    if (actual !== parts.sort().join(', '))
      problems.push(`deal ${deal.id} shows "${actual}", should be "${parts.join(', ')}"`);
    check(deal, 'deal', { wonward_stage: view.referrals.find(({ id }) => id === shownId)?.stage ?? null });
  }
  return problems;
}

/** The words that HubSpot's lists show for a state. */
function wordOf(state: string): string {
  return ({ clawed_back: 'taken back', in_review: 'in review' } as Record<string, string>)[state] ?? state;
}

/** Every name that a contact has had, the present one first. */
function namesOf(contact: CrmRecord | undefined): string[] {
  const last = contact?.properties.lastname ?? '';
  return (contact?.propertiesWithHistory.firstname ?? []).map(({ value }) => `${value} ${last}`);
}

function sumText(rewards: readonly ApiReward[], states: readonly string[]): string | null {
  const sums = new Map<string, bigint>();
  const add = (currency: string, minor: bigint) => {
    if (minor > 0n) sums.set(currency, (sums.get(currency) ?? 0n) + minor);
  };
  for (const { state, money, clawedBack } of rewards) {
    const { currency } = money;
    // Of one that stands a part may have been taken back.
    const back = STANDING.includes(state) ? minorOf({ amount: clawedBack, currency }) : 0n;
    if (states.includes(state)) add(currency, minorOf(money) - back);
    if (states.includes('voided')) add(currency, back);
  }
  // Both currencies of the plan have two decimals.
  const texts = [...sums]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([currency, minor]) => `${minor / 100n}.${String(minor % 100n).padStart(2, '0')} ${currency}`);
  return texts.length === 0 ? null : texts.join(', ');
}

/** Law 7, the part that lists show: nothing of another portal's. */
export function seesOnlyItsOwn(view: AccountView, portalId: number): string[] {
  const connections = view.connections.filter(({ externalId }) => externalId === String(portalId));
  const [own] = connections;
  const problems = view.connections
    .filter(({ status, externalId }) => status !== 'connected' || externalId !== String(portalId))
    .map(({ externalId, status, statusReason }) => `portal ${externalId} is ${status}: ${statusReason}`);
  const refs = [
    ...view.members.map(({ contact }) => contact),
    ...view.referrals.map(({ friend }) => friend.contact),
    ...view.decisions.map(({ deal }) => deal),
    ...view.rewards.map(({ deal }) => deal),
  ];
  const foreign = refs.filter((ref) => ref !== null && ref.connectionId !== own?.id);
  if (foreign.length > 0) problems.push(`the account of portal ${portalId} sees ${JSON.stringify(foreign[0])}`);
  return problems;
}
