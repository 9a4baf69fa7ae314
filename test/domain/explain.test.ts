import { describe, expect, test } from 'vitest';
import type { ConditionResult, Decision, Reward } from '../../src/domain/decision.ts';
import { outlookOfDecision, outlookOfRule, type PreviewInput, paidAt, tellDecision } from '../../src/domain/explain.ts';
import { mapCatalog } from '../../src/domain/mapping.ts';
import type { RewardRule } from '../../src/domain/program.ts';
import { type Reason, type ReasonCode, reason } from '../../src/domain/reason.ts';
import type { DealPoint } from '../../src/domain/record.ts';
import { dealsAt } from '../../src/domain/timeline.ts';
import { DECISION, GRANTED_AT, REWARD, RISK } from './granted-deal.ts';
import { CATALOG, DAY, dealOf, FRIEND_RULE, MEMBER_RULE, OPEN_REFERRAL, pointOf, T0 } from './world.ts';

const NAMES = new Map([['7', 'Rollout']]);
const MAPPING = { version: 'map_1', entries: mapCatalog(CATALOG, []) };
const eur = (minor: bigint) => ({ minor, currency: 'EUR' });
const REWARDED = 'The deal "Rollout" reached Closed Won and every condition is met.';

describe('a rule that has been decided on', () => {
  const CHECKED: ConditionResult = { condition: 'deal amount', expected: 'at least 5', actual: '6', verdict: 'met' };
  const decided: Decision = { ...DECISION, conditions: [CHECKED] };
  const base = {
    rewardId: 'rwd_1',
    ruleKey: 'member-won',
    party: 'member',
    dealId: '7',
    money: eur(10_000n),
    reason: { code: 'rewarded', text: REWARDED },
    conditions: [CHECKED],
    wouldPay: null,
    nextAt: null,
    at: GRANTED_AT,
  };

  test.each<[string, Partial<Reward>, object]>([
    ['approved', {}, { state: 'approved', next: 'On its way to the reward provider.' }],
    ['in review', { state: 'in_review' }, { state: 'in_review', next: 'A reviewer decides.' }],
    ['issuing', { state: 'issuing' }, { state: 'issuing', next: "Waiting for the reward provider's answer." }],
    ['redeemed', { state: 'redeemed' }, { state: 'redeemed', next: null }],
    ['failed', { state: 'failed' }, { state: 'failed', next: "An admin has to look at the provider's answer." }],
    ['voided', { state: 'voided' }, { state: 'voided', next: null }],
    ['expired', { state: 'expired', expiresAt: T0 }, { state: 'expired', next: null }],
    [
      'held, until its day',
      { state: 'held', releaseAt: T0 + 9 * DAY },
      { state: 'held', next: 'Paid when the hold ends, if the deal is still Closed Won.', nextAt: T0 + 9 * DAY },
    ],
    ['issued, for ever', { state: 'issued', releaseAt: T0 }, { state: 'issued', next: null }],
    [
      'issued, and to be used',
      { state: 'issued', expiresAt: T0 + 30 * DAY },
      { state: 'issued', next: 'Has to be used before 2026-02-04; then it expires.', nextAt: T0 + 30 * DAY },
    ],
    [
      'cut by what was taken back of it',
      { state: 'issued', clawedBack: 2_500n, updatedAt: T0 + 2 * DAY },
      { state: 'issued', next: null, money: eur(7_500n), at: T0 + 2 * DAY },
    ],
    [
      'taken back, and owed',
      { state: 'clawed_back' },
      {
        state: 'clawed_back',
        next: 'What is owed back is kept from what is owed next, unless finance writes it off.',
      },
    ],
    [
      'taken back, and owed no more',
      { state: 'clawed_back', writtenOff: 10_000n },
      { state: 'clawed_back', next: null },
    ],
    ['taken back as credit', { state: 'clawed_back', payout: 'credit' }, { state: 'clawed_back', next: null }],
    [
      'held until something is so',
      { state: 'held', reason: reason('held_until', { deal: '7', condition: 'invoice', expected: 'paid' }) },
      {
        state: 'held',
        reason: {
          code: 'held_until',
          text: 'The deal "Rollout" reached Closed Won; held until invoice is paid.',
        },
        wouldPay: 'Pays when the invoice is paid.',
        next: 'Paid when that is so; if it is not by then, a person decides.',
      },
    ],
    [
      'in review since it was not so',
      {
        state: 'in_review',
        reason: reason('held_until', { deal: '7', condition: 'invoice', expected: 'paid' }),
      },
      {
        state: 'in_review',
        reason: {
          code: 'held_until',
          text: 'The deal "Rollout" reached Closed Won; held until invoice is paid.',
        },
        wouldPay: 'Pays when the invoice is paid.',
        next: 'A reviewer decides.',
      },
    ],
  ])('tells its reward, which is %s', (_, reward, outlook) => {
    expect(outlookOfDecision(decided, { ...REWARD, ...reward }, NAMES)).toEqual({ ...base, ...outlook });
  });

  const none = { ...base, rewardId: null, at: T0 };
  test.each<[string, Partial<Decision>, object]>([
    [
      'waits, and is judged again',
      { outcome: 'waiting', money: null, reason: reason('amount_missing', { deal: '7' }) },
      {
        state: 'waiting',
        money: null,
        reason: { code: 'amount_missing', text: 'Waiting: the deal "Rollout" has no amount.' },
        wouldPay: 'Enter an amount on the deal.',
        next: 'Judged again as soon as the deal changes.',
      },
    ],
    [
      'stands in line for the budget',
      { outcome: 'queued', reason: reason('budget_spent', { amount: '100.00 EUR', left: '3.00 EUR' }) },
      {
        state: 'waiting',
        reason: {
          code: 'budget_spent',
          text: 'In line: the reward of 100.00 EUR is more than the budget has left (3.00 EUR).',
        },
        wouldPay: 'Fill up the budget of the program.',
        next: 'Paid in its turn when the budget is filled up.',
      },
    ],
    [
      'was skipped, and why nobody can change',
      { outcome: 'skipped', money: null, reason: reason('other_deal_rewarded') },
      {
        state: 'skipped',
        money: null,
        reason: {
          code: 'other_deal_rewarded',
          text: 'Not rewarded: this referral was already rewarded for another deal.',
        },
        next: null,
      },
    ],
    [
      'lies in the past: what it would have paid is nobody’s money',
      { outcome: 'history', reason: reason('history', { wonOn: '2025-12-01', amount: '100.00 EUR' }) },
      {
        state: 'skipped',
        money: null,
        reason: {
          code: 'history',
          text: 'Not paid: the deal was won on 2025-12-01, before the program or the connection began. It would have paid 100.00 EUR; an admin can release it.',
        },
        next: null,
      },
    ],
  ])('and has no reward %s', (_, decision, outlook) => {
    expect(outlookOfDecision({ ...decided, rewardId: null, ...decision }, undefined, NAMES)).toEqual({
      ...none,
      ...outlook,
    });
  });
});

describe('what somebody can do about it', () => {
  const asked = { condition: 'deal amount', expected: 'at least 5.00 EUR', actual: '3.00 EUR', by: 'Ada', why: 'no' };
  const PAYS_WHEN = 'Pays when the deal amount is at least 5.00 EUR.';

  test.each<[ReasonCode, string | null]>([
    ['amount_invalid', 'Correct the amount on the deal.'],
    ['amount_too_precise', 'Round the amount on the deal to what its currency allows.'],
    ['amount_too_large', 'Check the amount on the deal.'],
    ['currency_missing', 'Choose a currency on the deal.'],
    ['currency_unknown', 'Choose a valid currency on the deal.'],
    ['rate_missing', 'Enter the exchange rates of that day.'],
    ['decided_elsewhere', 'Look at the deal there; it pays there when it is won and the friend is on it.'],
    ['left_won', 'Move the deal to Closed Won again.'],
    ['left_stage', 'Move the deal forward again.'],
    ['deal_deleted', 'Restore the deal in the CRM.'],
    ['deal_detached', 'Associate the deal with the friend again.'],
    ['limit_reached', 'Pays when a reward that counts towards the limit is taken back.'],
    ['refund_unknown', 'Enter the amount of the deal, in the currency in which it was paid.'],
    ['review_rejected', 'Ask the person who rejected it.'],
    ['taken_back_by_person', 'Ask the person who took it back.'],
    ['expired_unused', 'Nothing brings it back: a reward that expired is not given again.'],
    ['risk_blocked', 'A reviewer can allow it in its case.'],
    ['condition_unmet', PAYS_WHEN],
    ['condition_unmet_because', PAYS_WHEN],
    ['condition_unknown', PAYS_WHEN],
    ['hold_unmet', PAYS_WHEN],
    ['referral_declined', null],
    ['deal_before_referral', null],
  ])('%s: %s', (code, remedy) => {
    const why: Reason = reason(code, asked);
    expect(outlookOfDecision({ ...DECISION, reason: why }, undefined, NAMES).wouldPay).toBe(remedy);
  });
});

/** Of the friend's deal, which is open; the friend gets 50 euros for it. */
function preview(rule: Partial<RewardRule> = {}, point: Partial<DealPoint> = {}, more: Partial<PreviewInput> = {}) {
  const [dealAt] = dealsAt([dealOf('7', ['2'], [pointOf(T0 + 1, point)])], MAPPING, T0 + DAY);
  return outlookOfRule({
    rule: { ...FRIEND_RULE, ...rule },
    referral: OPEN_REFERRAL,
    friend: {},
    dealAt: dealAt ?? null,
    beneficiary: 'Bob',
    names: NAMES,
    stageLabel: 'Qualified to buy',
    startsAt: T0,
    wonReferrals: 1,
    rates: undefined,
    now: T0 + DAY,
    ...more,
  });
}

describe('a rule that has nothing to decide yet', () => {
  const base = {
    rewardId: null,
    ruleKey: 'friend-won',
    party: 'friend',
    dealId: '7',
    state: 'expected',
    money: eur(5_000n),
    next: null,
    nextAt: null,
    at: T0,
  };
  const stageOf = (expected: string) => ({
    ...{ condition: 'deal stage', expected, actual: 'Qualified to buy', verdict: 'unmet' },
  });
  const met = (condition: string, expected: string, actual: string): ConditionResult => ({
    ...{ condition, expected, actual, verdict: 'met' },
  });
  const BEGUN = met('deal won after the program began', 'on or after 2026-01-05', '2026-01-06');
  const FIRST = met('first referral on the deal', 'yes', 'yes');
  const ONLY = met('first rewarded deal of the referral', 'yes', 'yes');
  const EXACT = met('deal amount and currency', 'an exact amount in a known currency', '1000.00 EUR');
  const USUAL = [BEGUN, FIRST, ONLY];
  const IN_PROGRESS = { code: 'deal_open', text: 'The deal "Rollout" is in progress.' };
  const AT_ONCE = 'Reached today, it is paid at once.';
  const declined = { ...OPEN_REFERRAL, stage: 'declined', reason: reason('self_referral') } as const;
  const lost = { ...OPEN_REFERRAL, stage: 'lost', reason: reason('deals_lost') } as const;
  const AMOUNT = { fact: 'deal.amount', op: 'at_least', money: eur(200_000n) } as const;

  test.each<[string, ReturnType<typeof preview>, object]>([
    [
      'pays nothing for a referral that is declined, and says why',
      preview({}, {}, { referral: declined }),
      {
        state: 'skipped',
        money: null,
        reason: { code: 'self_referral', text: 'The member and the friend are the same person.' },
        conditions: [],
        wouldPay: null,
      },
    ],
    [
      'expects a deal',
      preview({}, {}, { dealAt: null }),
      {
        dealId: null,
        reason: { code: 'no_deal', text: 'The friend has no deal yet.' },
        conditions: [],
        wouldPay: 'Create a deal for this friend and win it.',
      },
    ],
    [
      'expects another deal, when all are lost, and names no amount that depends on it',
      preview({ amount: MEMBER_RULE.amount }, {}, { dealAt: null, referral: lost }),
      {
        dealId: null,
        money: null,
        reason: { code: 'no_deal', text: 'Every deal of the friend is lost.' },
        conditions: [],
        wouldPay: 'Create a deal for this friend and win it.',
      },
    ],
    [
      'expects the open deal to be won',
      preview(),
      {
        reason: IN_PROGRESS,
        conditions: [stageOf('Closed Won'), ...USUAL],
        wouldPay: '50.00 EUR for Bob when the deal "Rollout" reaches Closed Won.',
        next: AT_ONCE,
      },
    ],
    [
      'names the deal by its id, where it has no name',
      preview({}, {}, { names: new Map() }),
      {
        reason: { code: 'deal_open', text: 'The deal "7" is in progress.' },
        conditions: [stageOf('Closed Won'), ...USUAL],
        wouldPay: '50.00 EUR for Bob when the deal "7" reaches Closed Won.',
        next: AT_ONCE,
      },
    ],
    [
      'expects an earlier stage, where it waits for that',
      preview({ trigger: 'opportunity' }),
      {
        reason: IN_PROGRESS,
        conditions: [stageOf('an open stage'), ...USUAL],
        wouldPay: '50.00 EUR for Bob when the deal "Rollout" reaches an open stage.',
        next: AT_ONCE,
      },
    ],
    [
      'expects a qualified stage, where it waits for that',
      preview({ trigger: 'qualified' }),
      {
        reason: IN_PROGRESS,
        conditions: [stageOf('a qualified stage'), ...USUAL],
        wouldPay: '50.00 EUR for Bob when the deal "Rollout" reaches a qualified stage.',
        next: AT_ONCE,
      },
    ],
    [
      'says what holds it, and for how long',
      preview({
        holdDays: 14,
        holdUntil: { met: { fact: 'deal.property', property: 'paid', op: 'known' }, askAfterDays: 30 },
      }),
      {
        reason: IN_PROGRESS,
        conditions: [stageOf('Closed Won'), ...USUAL],
        wouldPay:
          '50.00 EUR for Bob when the deal "Rollout" reaches Closed Won and the deal property paid is anything, 14 days later.',
      },
    ],
    [
      'says when the hold ends, and who is asked',
      preview({ holdDays: 14, review: { when: 'always' } }),
      {
        reason: IN_PROGRESS,
        conditions: [stageOf('Closed Won'), ...USUAL],
        wouldPay: '50.00 EUR for Bob when the deal "Rollout" reaches Closed Won, 14 days later.',
        next: 'Reached today, it is paid when the hold ends. A person has to approve it.',
        nextAt: T0 + 15 * DAY,
      },
    ],
    [
      'says the day of payment',
      preview({ payOnDay: 1 }),
      {
        reason: IN_PROGRESS,
        conditions: [stageOf('Closed Won'), ...USUAL],
        wouldPay: '50.00 EUR for Bob when the deal "Rollout" reaches Closed Won.',
        next: 'Reached today, it is paid on the next day of payment.',
        nextAt: Date.UTC(2026, 1, 1),
      },
    ],
    [
      'says the batch',
      preview({}, {}, { batch: { kind: 'month_day', day: 15 } }),
      {
        reason: IN_PROGRESS,
        conditions: [stageOf('Closed Won'), ...USUAL],
        wouldPay: '50.00 EUR for Bob when the deal "Rollout" reaches Closed Won.',
        next: 'Reached today, it is paid with the batch of that day.',
        nextAt: Date.UTC(2026, 0, 15),
      },
    ],
    [
      'expects a lost deal to be opened again, and says what it would pay for it',
      preview({ amount: MEMBER_RULE.amount }, { stageId: 'gone' }),
      {
        money: eur(10_000n),
        reason: { code: 'deal_lost', text: 'The deal "Rollout" is lost.' },
        conditions: [stageOf('Closed Won'), ...USUAL, EXACT],
        wouldPay: 'Open the deal "Rollout" again and win it.',
      },
    ],
    [
      'of a lost deal for which a condition is not met knows only what is fixed',
      preview({ conditions: [AMOUNT] }, { stageId: 'gone', amount: '1000.00' }),
      {
        reason: { code: 'deal_lost', text: 'The deal "Rollout" is lost.' },
        conditions: [
          stageOf('Closed Won'),
          ...USUAL,
          EXACT,
          { condition: 'deal amount', expected: 'at least 2000.00 EUR', actual: '1000.00 EUR', verdict: 'unmet' },
        ],
        wouldPay: 'Open the deal "Rollout" again and win it.',
      },
    ],
    [
      'says what is asked for first, and what to do then',
      preview({ conditions: [AMOUNT] }),
      {
        reason: {
          code: 'condition_unmet',
          text: 'Not rewarded: deal amount should be at least 2000.00 EUR, it is 1000.00 EUR.',
        },
        conditions: [
          stageOf('Closed Won'),
          ...USUAL,
          EXACT,
          { condition: 'deal amount', expected: 'at least 2000.00 EUR', actual: '1000.00 EUR', verdict: 'unmet' },
        ],
        wouldPay: 'Pays when the deal amount is at least 2000.00 EUR. Then win the deal "Rollout".',
      },
    ],
    [
      'is not waited for, where nobody can change it',
      preview({}, {}, { otherDealsRewarded: 1 }),
      {
        state: 'skipped',
        money: null,
        reason: {
          code: 'other_deal_rewarded',
          text: 'Not rewarded: this referral was already rewarded for another deal.',
        },
        conditions: [stageOf('Closed Won'), BEGUN, FIRST, { ...ONLY, actual: 'no', verdict: 'unmet' }],
        wouldPay: null,
      },
    ],
  ])('%s', (_, told, outlook) => {
    expect(told).toEqual({ ...base, ...outlook });
  });
});

test.each<[string, Partial<RewardRule>, Parameters<typeof paidAt>[1], string]>([
  ['at once', {}, null, '2026-01-05T10:00:00.000Z'],
  ['after its hold', { holdDays: 10 }, null, '2026-01-15T10:00:00.000Z'],
  ['on the day of payment after its hold', { holdDays: 10, payOnDay: 15 }, null, '2026-02-15T00:00:00.000Z'],
  ['with the batch after its hold', { holdDays: 10 }, { kind: 'month_day', day: 10 }, '2026-02-10T00:00:00.000Z'],
  [
    'with the batch after the day of payment',
    { payOnDay: 20 },
    { kind: 'weekday', weekday: 'tuesday' },
    '2026-01-27T00:00:00.000Z',
  ],
])('what is reached is paid %s', (_, rule, batch, at) => {
  const reachedAt = T0 + 10 * 3_600_000;
  expect(new Date(paidAt({ ...MEMBER_RULE, ...rule }, batch, reachedAt)).toISOString()).toBe(at);
});

describe('a decision is told', () => {
  const unmet: Decision = {
    ...DECISION,
    outcome: 'skipped',
    money: null,
    reason: reason('condition_unmet', { condition: 'deal amount', expected: 'at least 5.00 EUR', actual: '3.00 EUR' }),
    conditions: [
      { condition: 'currency', expected: 'EUR', actual: 'EUR', verdict: 'met' },
      { condition: 'deal amount', expected: 'at least 5.00 EUR', actual: '3.00 EUR', verdict: 'unmet' },
      { condition: 'city', expected: 'Rome', actual: 'not known', verdict: 'unknown' },
    ],
    risk: RISK,
  };
  const WHY = 'Not rewarded: deal amount should be at least 5.00 EUR, it is 3.00 EUR.';

  test.each<[string, Decision, Parameters<typeof tellDecision>[1], string]>([
    ['to a rep with what would make it pay', unmet, 'rep', `${WHY} Pays when the deal amount is at least 5.00 EUR.`],
    ['to a rep by its reason alone, where nothing has to be done', DECISION, 'rep', REWARDED],
    [
      'to an admin with the rule, what was asked for in vain, and what was seen',
      unmet,
      'admin',
      `${WHY} Rule "member-won" of program "default", version 1; stage mapping map_1. Asked for: deal amount at least 5.00 EUR; found: 3.00 EUR. Asked for: city Rome; found: not known. Signal same_phone (60): contacts 2 and 1.`,
    ],
    [
      'to an admin with the rule alone, where all is well',
      DECISION,
      'admin',
      `${REWARDED} Rule "member-won" of program "default", version 1; stage mapping map_1.`,
    ],
    [
      'to finance without an amount, where there is none',
      unmet,
      'finance',
      `${WHY} Counts from 2026-01-05, recorded 2026-01-06.`,
    ],
    [
      'to finance with how the amount came about',
      { ...DECISION, calculation: [{ step: 'fixed', values: {}, result: '100.00 EUR' }] },
      'finance',
      `${REWARDED} Amount: 100.00 EUR. A fixed 100.00 EUR. Counts from 2026-01-05, recorded 2026-01-06.`,
    ],
    [
      'to finance as what was taken back',
      { ...DECISION, outcome: 'reversed' },
      'finance',
      `${REWARDED} Taken back: 100.00 EUR. Counts from 2026-01-05, recorded 2026-01-06.`,
    ],
    [
      'to finance as what would have been paid',
      { ...DECISION, outcome: 'history' },
      'finance',
      `${REWARDED} Would have paid: 100.00 EUR. Counts from 2026-01-05, recorded 2026-01-06.`,
    ],
    [
      'to finance as what it stands for after a change',
      { ...DECISION, outcome: 'adjusted' },
      'finance',
      `${REWARDED} Stands for: 100.00 EUR. Counts from 2026-01-05, recorded 2026-01-06.`,
    ],
  ])('%s', (_, decision, audience, text) => {
    expect(tellDecision(decision, audience, NAMES)).toBe(text);
  });

  test('with the id of a deal whose name is not known', () => {
    expect(tellDecision(DECISION, 'rep')).toBe('The deal "7" reached Closed Won and every condition is met.');
  });
});
