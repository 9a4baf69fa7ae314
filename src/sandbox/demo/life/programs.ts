import type { ProgramDocument } from '../../../application/program-document.ts';

type Rules = ProgramDocument['rules'];

const inCurrencies = (op: 'in' | 'not_in', ...currencies: string[]) => ({
  fact: 'deal.currency' as const,
  op,
  currencies,
});

const RISK: NonNullable<ProgramDocument['risk']> = {
  signals: [
    { signal: 'same_email' },
    { signal: 'same_phone' },
    { signal: 'disposable_email' },
    { signal: 'same_company_domain', weight: 50 },
    { signal: 'duplicate_friend' },
    { signal: 'already_customer' },
    { signal: 'deal_before_referral' },
    { signal: 'velocity_member', most: 6, hours: 24, weight: 50 },
  ] as NonNullable<ProgramDocument['risk']>['signals'],
  reviewAt: 50,
  blockAt: 120,
};

const WELCOME: Rules[number] = {
  key: 'friend-won',
  name: 'Welcome gift',
  party: 'friend',
  amount: { kind: 'fixed', money: { amount: '50.00', currency: 'EUR' } },
  usesBudget: true,
  payout: 'credit',
};

const LEAD: Rules[number] = {
  key: 'member-lead',
  name: 'A good lead',
  party: 'member',
  trigger: 'opportunity',
  amount: { kind: 'fixed', money: { amount: '10.00', currency: 'EUR' } },
  limits: [{ per: 'member', window: 'month', count: 3 }],
  payout: 'credit',
};

type Amount = Rules[number]['amount'];

/** What the member gets for a won deal, by where the deal is from: euros and dollars as they are, all else in euros by the day's rate. */
function wonRules(amount: Amount): Rules {
  const shared = {
    party: 'member' as const,
    amount,
    holdDays: 14,
    amountChanges: 'follow' as const,
    refunds: 'follow' as const,
    payout: 'manual' as const,
  };
  return [
    {
      ...shared,
      key: 'member-won',
      name: 'Thank you for the referral',
      conditions: [
        inCurrencies('in', 'EUR'),
        {
          fact: 'deal.amount',
          op: 'at_least',
          money: { amount: '500.00', currency: 'EUR' },
          because: 'deals below 500 EUR are thanked by hand.',
        },
      ],
      review: { when: 'over', money: { amount: '900.00', currency: 'EUR' } },
    },
    {
      ...shared,
      key: 'member-won-us',
      name: 'Thank you for the referral (US)',
      conditions: [inCurrencies('in', 'USD')],
      review: { when: 'over', money: { amount: '1000.00', currency: 'USD' } },
    },
    {
      ...shared,
      key: 'member-won-abroad',
      name: 'Thank you for the referral (other currencies)',
      conditions: [inCurrencies('not_in', 'EUR', 'USD')],
      payIn: 'EUR',
      review: { when: 'over', money: { amount: '900.00', currency: 'EUR' } },
    },
  ];
}

const PER_TIER: Amount = {
  kind: 'per_tier',
  steps: [
    { from: 'member', amount: { kind: 'percent', basisPoints: 400 } },
    { from: 'ambassador', amount: { kind: 'percent', basisPoints: 600 } },
    { from: 'champion', amount: { kind: 'percent', basisPoints: 900 } },
  ],
};

const TIERS: ProgramDocument['tiers'] = {
  by: { kind: 'won_referrals' },
  windowDays: 365,
  down: { kind: 'grace', days: 30 },
  levels: [
    { key: 'member', name: 'Member', from: 1 },
    { key: 'ambassador', name: 'Ambassador', from: 3 },
    { key: 'champion', name: 'Champion', from: 8 },
  ],
};

const CHAMPION: Rules[number] = {
  key: 'champion-bonus',
  name: 'Bonus for becoming a champion',
  party: 'member',
  trigger: 'tier_reached',
  tier: 'champion',
  amount: { kind: 'fixed', money: { amount: '250.00', currency: 'EUR' } },
  payout: 'credit',
};

export const PROGRAM_ID = 'default';

/** How the program grew: a share of the deal, then tiers, then a bonus for leads. `after`: so much of the time. */
export const VERSIONS: ReadonlyArray<{ readonly after: number; readonly program: ProgramDocument }> = [
  {
    after: 0,
    program: {
      programId: PROGRAM_ID,
      name: 'Brightwater referrals',
      risk: RISK,
      rules: [...wonRules({ kind: 'percent', basisPoints: 500 }), WELCOME],
    },
  },
  {
    after: 0.25,
    program: {
      programId: PROGRAM_ID,
      name: 'Brightwater ambassadors',
      risk: RISK,
      tiers: TIERS,
      rules: [...wonRules(PER_TIER), WELCOME, CHAMPION],
    },
  },
  {
    after: 0.6,
    program: {
      programId: PROGRAM_ID,
      name: 'Brightwater ambassadors',
      risk: RISK,
      tiers: TIERS,
      rules: [...wonRules(PER_TIER), WELCOME, CHAMPION, LEAD],
    },
  },
];
