import type Database from 'better-sqlite3';
import type { RewardRule } from '../../src/domain/program.ts';
import type { TierScheme } from '../../src/domain/tier-scheme.ts';
import type { Random } from '../crash/random.ts';
import type { Portal } from './crm.ts';
import { type ExpectedFriend, wonByMetadata } from './oracle.ts';

/*
 * A program in which members rise by won referrals and fall when they have fewer, at once or after a day of grace. Which win was a member's
 * second depends on who looked first; how many there are, what tier that is, and what all of them together pay does not.
 */

/** Longer than any history. */
export const GRACE_DAYS = 1;

/** What each tier pays, the lowest first, and what reaching the highest one does. */
const AMOUNTS_MINOR = [1_000n, 2_000n] as const;
const BONUS_MINOR = 5_000n;

const LOWEST_FROM = 1;

export function drawTiers(random: Random): TierScheme {
  return {
    by: { kind: 'won_referrals' },
    down: { kind: 'grace', days: random.pick([0, GRACE_DAYS]) },
    levels: [
      { key: 'silver', name: 'Silver', from: LOWEST_FROM },
      { key: 'gold', name: 'Gold', from: random.pick([2, 3]) },
    ],
  };
}

export function drawTierRules(random: Random): RewardRule[] {
  const base = { party: 'member', conditions: [], holdDays: 0, payout: random.pick(['webhook', 'credit']) } as const;
  const [silver, gold] = AMOUNTS_MINOR.map(
    (minor) => ({ kind: 'fixed', money: { minor, currency: 'EUR' } }) as const,
  ) as [Fixed, Fixed];
  return [
    {
      ...base,
      key: 'term-tier',
      name: 'By tier',
      amount: {
        kind: 'per_tier',
        steps: [
          { from: 'silver', amount: silver },
          { from: 'gold', amount: gold },
        ],
      },
    },
    {
      ...base,
      key: 'term-gold',
      name: 'Gold at last',
      trigger: 'tier_reached',
      tier: 'gold',
      amount: { kind: 'fixed', money: { minor: BONUS_MINOR, currency: 'EUR' } },
    },
  ];
}

type Fixed = { readonly kind: 'fixed'; readonly money: { readonly minor: bigint; readonly currency: string } };

interface RewardRow {
  id: string;
  referral_id: string;
  beneficiary_id: string;
  rule_key: string;
  minor: number;
  state: string;
}

const ENDED = ['voided', 'clawed_back', 'expired'];

export interface TiersInput {
  readonly accountId: string;
  readonly scheme: TierScheme | undefined;
  readonly db: Database.Database;
  readonly portal: Portal;
  readonly expected: readonly ExpectedFriend[];
  /** Referrals were given to other members: how many a member had at some moment the CRM does not tell. */
  readonly wasMoved: boolean;
  /** Who has fallen below a tier may hold it until then. */
  readonly isGraceOver: boolean;
}

/** Where each member stands, and what all their wins together have paid. */
export function tiersAreRight({
  accountId,
  scheme,
  db,
  portal,
  expected,
  wasMoved,
  isGraceOver,
}: TiersInput): string[] {
  if (!scheme) return [];
  const problems: string[] = [];
  const all = <T>(sql: string) => db.prepare(sql).all(accountId) as T[];
  const referrals = all<{ id: string; member_id: string; contact_id: string | null }>(
    'select id, member_id, contact_id from referrals where account_id = ?',
  );
  const rewards = all<RewardRow>('select * from rewards where account_id = ?').filter(
    ({ state }) => !ENDED.includes(state),
  );
  const tierOf = new Map(
    all<{ member_id: string; to_key: string | null }>(
      `select member_id, json_extract(to_tier, '$.key') as to_key from tier_changes where account_id = ? order by sequence`,
    ).map(({ member_id, to_key }) => [member_id, to_key]),
  );
  const stageOf = new Map(expected.map(({ friendId, stage }) => [friendId, stage]));
  const hasFallen = new Set(
    wonByMetadata(portal)
      .filter(({ points }) => points.some((point, index) => index > 0 && isWon(points[index - 1]) && !isWon(point)))
      .flatMap(({ contactIds }) => contactIds),
  );
  const goldFrom = Number(scheme.levels[1]?.from);

  for (const [memberId, own] of Map.groupBy(referrals, ({ member_id }) => member_id)) {
    const friends = own.map(({ contact_id }) => contact_id ?? '');
    // Of a friend whose contact is gone or was merged the stage rests on what was seen before.
    if (friends.some((id) => !stageOf.has(id) || portal.contacts.get(id)?.formerIds.length !== 0)) continue;
    const won = friends.filter((id) => stageOf.get(id) === 'won').length;
    const ought = won >= goldFrom ? 'gold' : won >= LOWEST_FROM ? 'silver' : null;
    const held = tierOf.get(memberId) ?? null;
    if (held !== ought && (isGraceOver || !hasGrace(scheme)))
      problems.push(`tiers: member ${memberId} with ${won} won referrals is ${held}, should be ${ought}`);

    const mine = rewards.filter(({ beneficiary_id }) => beneficiary_id === memberId);
    const bonuses = mine.filter(({ rule_key }) => rule_key === 'term-gold').length;
    if (bonuses > 1 || (bonuses === 0 && won >= goldFrom))
      problems.push(`tiers: member ${memberId} with ${won} won referrals has ${bonuses} rewards for reaching gold`);
    const byTier = mine.filter(({ rule_key }) => rule_key === 'term-tier');
    for (const { id, contact_id } of own) {
      const paid = byTier.filter(({ referral_id }) => referral_id === id).length;
      const stage = stageOf.get(contact_id ?? '');
      if (paid !== (stage === 'won' ? 1 : 0))
        problems.push(`tiers: ${paid} rewards by tier stand for friend ${contact_id}, who is at ${stage}`);
    }
    // Where nothing was ever lost the first win is the first one for good, whichever it was.
    if (wasMoved || friends.some((id) => hasFallen.has(id))) continue;
    const amounts = byTier.map(({ minor }) => minor).sort((a, b) => a - b);
    const rising = Array.from({ length: won }, (_, index) => Number(AMOUNTS_MINOR[index + 1 >= goldFrom ? 1 : 0]));
    if (amounts.join() !== rising.join())
      problems.push(
        `tiers: the wins of member ${memberId} have paid ${amounts.join(' + ')}, not ${rising.join(' + ')}`,
      );
  }
  return problems;
}

function isWon(point: { readonly meaning: string } | undefined): boolean {
  return point?.meaning === 'won';
}

function hasGrace({ down }: TierScheme): boolean {
  return down.kind === 'grace' && down.days > 0;
}
