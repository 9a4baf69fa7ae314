import type Database from 'better-sqlite3';
import type { AttributionPolicy } from '../../src/domain/attribution-policy.ts';
import type { RewardRule } from '../../src/domain/program.ts';
import type { Random } from '../crash/random.ts';
import type { Portal } from './crm.ts';
import { type Books, stands } from './laws.ts';
import { type PublishedRule, payOf, wonByMetadata } from './oracle.ts';

/*
 * Two members who share the credit for a friend, and friends who come by a colleague. What the two get together is what the one would have
 * got, to the last cent, and each gets it once.
 */

export const SHARED_RULE = 'term-shared';

/** Percentages by which few amounts divide without a rest. */
export function drawCreditPolicy(random: Random): AttributionPolicy {
  return {
    windowDays: null,
    touch: 'first',
    sources: ['email', 'label', 'code', 'company'],
    existingCustomer: 'accept',
    selfReferral: 'decline',
    assistPercent: random.pick([1, 17, 33, 50]),
  };
}

export function drawCreditRules(random: Random): RewardRule[] {
  return [
    {
      key: SHARED_RULE,
      name: 'Shared',
      party: 'member',
      amount: { kind: 'percent', basisPoints: random.pick([333, 725, 1_000]) },
      conditions: [],
      holdDays: 0,
      payout: random.pick(['webhook', 'credit']),
    },
  ];
}

interface CreditInput {
  readonly accountId: string;
  readonly books: Books;
  readonly portal: Portal;
  readonly db: Database.Database;
  readonly rules: readonly RewardRule[];
  readonly policy: AttributionPolicy;
  /** Friends whom the CRM gave two referrers from the start. */
  readonly isOfTwo: (contactId: string) => boolean;
}

export function creditIsShared({ accountId, books, portal, db, rules, policy, isOfTwo }: CreditInput): string[] {
  const problems: string[] = [];
  const rule = rules.find(({ key }) => key === SHARED_RULE);
  if (!rule) return [];
  const shares = new Map(
    (
      db
        .prepare('select id, assist_member_id, assist_percent from referrals where account_id = ?')
        .all(accountId) as Array<{ id: string; assist_member_id: string | null; assist_percent: number | null }>
    ).map(({ id, ...share }) => [id, share]),
  );
  const deals = new Map(wonByMetadata(portal).map((deal) => [deal.id, deal]));
  const percent = BigInt(policy.assistPercent ?? 0);
  for (const { id, contact_id, member_id } of books.referrals) {
    const share = shares.get(id);
    const assist = share?.assist_member_id ?? null;
    const name = `the credit for contact ${contact_id}`;
    if (isOfTwo(contact_id ?? '') && assist === null)
      problems.push(`law 1: ${name} is not shared, and the CRM names two who referred them`);
    if (assist === member_id) problems.push(`law 1: ${name} is shared by one`);
    if (assist !== null && share?.assist_percent !== Number(percent))
      problems.push(`law 2: ${name} is shared by ${share?.assist_percent} percent, the policy says ${percent}`);
    const standing = books.rewards.filter((reward) => reward.referral_id === id && stands(reward));
    const of = (party: string, isRule: (key: string) => boolean) =>
      standing.filter((reward) => reward.party === party && isRule(reward.rule_key));
    const members = of('member', (key) => key === SHARED_RULE);
    const assists = of('assist', (key) => key.startsWith(SHARED_RULE));
    // The friend's rule and this one saw the same wins, whatever they were: a deal pays all parties, or none.
    const gifts = of('friend', (key) => key === 'friend-won');
    const dealsOf = (rewards: typeof standing) => rewards.map(({ deal_id }) => deal_id).join(' and ') || 'nothing';
    if (dealsOf(members) !== dealsOf(gifts))
      problems.push(
        `law 1: of contact ${contact_id} the member is paid for ${dealsOf(members)}, the friend for ${dealsOf(gifts)}`,
      );
    for (const { beneficiary_id } of members)
      if (beneficiary_id !== member_id)
        problems.push(`law 1: ${name}: the part of ${member_id} is ${beneficiary_id}'s`);
    for (const { deal_id, beneficiary_id } of assists) {
      if (beneficiary_id !== assist) problems.push(`law 1: ${name}: the part of ${assist} is ${beneficiary_id}'s`);
      if (dealsOf(assists) !== dealsOf(members))
        problems.push(`law 1: ${name}: a part is paid for deal ${deal_id}, the rest for ${dealsOf(members)}`);
    }
    const [member, part] = [members[0], assists[0]];
    const deal = deals.get(member?.deal_id ?? '');
    if (!member || !deal) continue;
    const wholes = deal.points.flatMap((point) =>
      point.meaning === 'won' ? (payOf(rule as unknown as PublishedRule, point) ?? []) : [],
    );
    const whole = BigInt(member.minor) + BigInt(part?.minor ?? 0);
    // Its deal may have been won before the other one was named.
    const parts = part || isOfTwo(contact_id ?? '') ? [partOf(whole, percent)] : [0n, partOf(whole, percent)];
    if (!wholes.includes(`${whole} ${member.currency}`) || !parts.includes(BigInt(part?.minor ?? 0)))
      problems.push(
        `law 3: ${name}: ${member.minor} and ${part?.minor ?? 0} for deal ${deal.id}, should be ${parts.join(' or ')} of ${wholes.join(' or ')}`,
      );
  }
  return problems;
}

/** Half to even, as everything that no rule rounds otherwise. */
function partOf(whole: bigint, percent: bigint): bigint {
  const [quotient, rest] = [(whole * percent) / 100n, (whole * percent) % 100n];
  return rest > 50n || (rest === 50n && quotient % 2n === 1n) ? quotient + 1n : quotient;
}
