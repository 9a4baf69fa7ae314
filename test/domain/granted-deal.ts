import { EMPTY_PLAN, type Plan } from '../../src/domain/plan.ts';
import { reason } from '../../src/domain/reason.ts';
import type { RiskAssessment } from '../../src/domain/risk.ts';
import { decisionOf, rewardOf } from './granted.ts';
import { CONNECTION, DAY, T0 } from './world.ts';

/** What Ada's rule made of Bob's deal, a day after it was won, and the reward that stands for it: 100 euros in cash, on the way. */
export const GRANTED_AT = T0 + DAY;

export const DECISION = decisionOf({
  deal: { connectionId: CONNECTION, object: 'deal', id: '7' },
  reason: reason('rewarded', { deal: '7' }),
  recordedAt: GRANTED_AT,
});

export const REWARD = rewardOf({
  deal: DECISION.deal,
  state: 'approved',
  reason: DECISION.reason,
  payout: 'file',
  createdAt: GRANTED_AT,
  updatedAt: GRANTED_AT,
  version: 1,
});

/** What would have a person look at it. */
export const RISK: RiskAssessment = {
  score: 60,
  verdict: 'review',
  raised: [{ signal: 'same_phone', weight: 60, evidence: 'contacts 2 and 1' }],
  unknown: [],
};

/** Of a plan what somebody asks about; nothing of all else. */
export const planOf = (more: Partial<Plan>): Plan => ({ ...EMPTY_PLAN, ...more });
