import type { Decision, Reward } from '../../src/domain/decision.ts';
import { reason } from '../../src/domain/reason.ts';
import type { Member } from '../../src/domain/referral.ts';
import { OPEN_REFERRAL, T0 } from './world.ts';

/** The first decision of a chain as it grants what `rewardOf` makes; a row of a table says what is otherwise. */
export function decisionOf(more: Partial<Decision> = {}): Decision {
  return {
    id: 'dec_1',
    referralId: OPEN_REFERRAL.id,
    deal: { connectionId: 'con_1', object: 'deal', id: '100' },
    ruleKey: 'member-won',
    party: 'member',
    sequence: 1,
    outcome: 'rewarded',
    reason: reason('rewarded', { deal: '100' }),
    conditions: [],
    calculation: [],
    money: { minor: 10_000n, currency: 'EUR' },
    rewardId: 'rwd_1',
    releaseAt: null,
    effectiveAt: T0,
    program: { id: 'default', version: 1 },
    mappingVersion: 'map_1',
    recordedAt: T0 + 1,
    ...more,
  };
}

/** A member's reward of a hundred euros that was paid out. */
export function rewardOf(more: Partial<Reward> = {}): Reward {
  return {
    id: 'rwd_1',
    referralId: OPEN_REFERRAL.id,
    deal: { connectionId: 'con_1', object: 'deal', id: '100' },
    ruleKey: 'member-won',
    party: 'member',
    beneficiaryId: OPEN_REFERRAL.memberId,
    money: { minor: 10_000n, currency: 'EUR' },
    state: 'issued',
    reason: reason('payout_issued', { provider: 'webhook' }),
    payout: 'webhook',
    programId: 'default',
    releaseAt: null,
    reversalPending: false,
    orderAt: null,
    review: 'none',
    netted: 0n,
    clawedBack: 0n,
    uses: [],
    createdAt: T0 + 1,
    updatedAt: T0 + 1,
    version: 3,
    ...more,
  };
}

/** Who is contact 1 of the portal and was enrolled by that. */
export function memberOf(more: Partial<Member> = {}): Member {
  return {
    id: OPEN_REFERRAL.memberId,
    name: 'Ada',
    email: null,
    code: 'AAAA-AAAA-AAAA',
    contact: { connectionId: 'con_1', object: 'contact', id: '1' },
    createdAt: T0,
    version: 1,
    ...more,
  };
}
