import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verify } from '../../src/application/verify.ts';
import { quickClock, type Stack, startStack } from '../support/stack.ts';
import { createScene, type Scene } from './scene.ts';

const PROGRAM = {
  programId: 'default',
  name: 'Ambassadors',
  tiers: {
    by: { kind: 'revenue' as const },
    windowDays: 365,
    down: { kind: 'grace' as const, days: 0 },
    levels: [
      { key: 'silver', name: 'Silver', from: { amount: '1500.00', currency: 'EUR' } },
      { key: 'gold', name: 'Gold', from: { amount: '4000.00', currency: 'EUR' } },
    ],
  },
  rules: [
    {
      key: 'member-won',
      party: 'member' as const,
      amount: {
        kind: 'per_tier' as const,
        steps: [
          { from: 'silver', amount: { kind: 'percent' as const, basisPoints: 500 } },
          { from: 'gold', amount: { kind: 'percent' as const, basisPoints: 1_000 } },
        ],
      },
      payout: 'credit' as const,
    },
    {
      key: 'gold-bonus',
      party: 'member' as const,
      trigger: 'tier_reached' as const,
      tier: 'gold',
      amount: { kind: 'fixed' as const, money: { amount: '200.00', currency: 'EUR' } },
      payout: 'credit' as const,
    },
    {
      key: 'recruiter-won',
      party: 'recruiter' as const,
      amount: { kind: 'fixed' as const, money: { amount: '75.00', currency: 'EUR' } },
      payout: 'credit' as const,
    },
  ],
};

let stack: Stack;
let scene: Scene;
let ada: string;

beforeAll(async () => {
  stack = await startStack({ clock: quickClock(), program: PROGRAM });
  scene = createScene(stack);
  ada = scene.person('Ada');
  await stack.install();
}, 120_000);
afterAll(() => stack.close());

async function winFor(member: string, amount: string): Promise<string> {
  const deal = scene.deal([scene.friendOf(member)], { amount });
  await stack.settle();
  scene.win(deal);
  await stack.settle();
  return deal;
}

async function expectSound(): Promise<void> {
  const { problems, accounts } = await stack.service.store.audited(stack.clock.now(), (audit) => verify(audit));
  expect([...problems, ...accounts.flatMap((account) => account.problems)]).toEqual([]);
}

describe('a member of a tiered program', () => {
  test('rises by revenue, is paid by the tier, and it is shown in the CRM, on the card and by the API', async () => {
    const first = await winFor(ada, '1000.00');
    expect(await scene.decisionsOn(first)).toContain('skipped no_step');
    const second = await winFor(ada, '500.00');
    expect(await scene.rewardsOn(second)).toEqual(['member issued 25.00 EUR']);
    expect(scene.show('contact', ada).wonward_tier).toBe('Silver');
    const card = await scene.card(ada);
    expect(card).toMatchObject({ ok: true, data: { member: { tier: { name: 'Silver' } } } });
    const member = await scene.memberOf(ada);
    const { body } = await stack.api('GET', `/members/${member.id}/tier`);
    expect(body).toMatchObject({
      tier: { key: 'silver', name: 'Silver' },
      score: '1500.00 EUR',
      next: { key: 'gold', needed: '4000.00 EUR', missing: '2500.00 EUR' },
    });
    expect(body.reason.text).toBe('Reached the tier "Silver": 1500.00 EUR in 365 days, 1500.00 EUR asked for.');
    // What was won below the first tier is not paid later: the tier of its moment counts.
    expect(await scene.rewardsOn(first)).toEqual([]);
    await expectSound();
  });

  test('a dry run of the program that is in force finds what stands', async () => {
    const { status, body } = await stack.api('POST', '/programs/dry-run', { program: PROGRAM });
    expect(status).toBe(201);
    expect(body.counts).toMatchObject({ new: 0, lost: 0, changed: 0, same: 1 });
  });

  test('gets the reward for a tier once, and loses tier and reward with the deal', async () => {
    const third = await winFor(ada, '2500.00');
    expect(await scene.rewardsOn(third)).toEqual(['member issued 200.00 EUR', 'member issued 250.00 EUR']);
    const fourth = await winFor(ada, '10.00');
    expect(await scene.rewardsOn(fourth)).toEqual(['member issued 1.00 EUR']);
    scene.reopen(third);
    await stack.settle();
    expect(await scene.rewardsOn(third)).toEqual(['member clawed_back 200.00 EUR', 'member clawed_back 250.00 EUR']);
    expect(scene.show('contact', ada).wonward_tier).toBe('Silver');
    const changes = await scene.all(`/tier-changes?memberId=${(await scene.memberOf(ada)).id}`);
    expect(changes.map(({ move, to }) => `${move} ${to?.key}`).reverse()).toEqual([
      'reached silver',
      'reached gold',
      'lost silver',
    ]);
    await expectSound();
  });

  test('who is a recruiter in the CRM is paid as one', async () => {
    const rae = scene.person('Rae', { wonward_recruiter: 'true' });
    const deal = await winFor(rae, '3000.00');
    expect(await scene.rewardsOn(deal)).toEqual(['recruiter issued 75.00 EUR']);
    expect((await scene.memberOf(rae)).isRecruiter).toBe(true);
    await expectSound();
  });

  test('a recruiter whom the API names owns a referral of somebody else', async () => {
    const bob = scene.person('Bob');
    const friend = scene.friendOf(bob);
    const deal = scene.deal([friend], { amount: '100.00' });
    await stack.settle();
    const [referral, rae] = [
      await scene.referralOf(friend),
      (await scene.all('/members')).find(({ isRecruiter }) => isRecruiter),
    ];
    const refused = await stack.api('PUT', `/referrals/${referral.id}/recruiter`, { recruiterId: referral.memberId });
    expect(refused.body).toMatchObject({ status: 422, code: 'no_such_member', errors: [{ field: 'recruiterId' }] });
    const { status } = await stack.api('PUT', `/referrals/${referral.id}/recruiter`, { recruiterId: rae?.id });
    expect(status).toBe(200);
    scene.win(deal);
    await stack.settle();
    expect(await scene.rewardsOn(deal)).toEqual(['recruiter issued 75.00 EUR']);
    await expectSound();
  });
});
