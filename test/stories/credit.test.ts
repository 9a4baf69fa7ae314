import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verify } from '../../src/application/verify.ts';
import { type Json, quickClock, type Stack, startStack } from '../support/stack.ts';
import { createScene, type Scene } from './scene.ts';

/* Two members brought one friend: one by the label in the CRM, the other by a code. A policy gives the second a part of what the first gets. */

let stack: Stack;
let scene: Scene;
let ada: string;
let bob: string;

beforeAll(async () => {
  stack = await startStack({ clock: quickClock() });
  scene = createScene(stack);
  [ada, bob] = [scene.person('Ada'), scene.person('Bob')];
  await stack.install();
  scene.friendOf(ada);
  scene.friendOf(bob);
  await stack.settle();
}, 120_000);
afterAll(() => stack.close());

async function expectSound(): Promise<void> {
  const { problems, accounts } = await stack.service.store.audited(stack.clock.now(), (audit) => verify(audit));
  expect([...problems, ...accounts.flatMap((account) => account.problems)]).toEqual([]);
}

async function wonBy(friend: string): Promise<string> {
  const deal = scene.deal([friend], { amount: '1000.00' });
  await stack.settle();
  scene.win(deal);
  await stack.settle();
  return deal;
}

describe('a shared credit', () => {
  test('is tried on history, published, paid in two parts, shown to both and taken back from both', async () => {
    const [labelled, coded] = [await scene.memberOf(ada), await scene.memberOf(bob)];
    const before = await wonBy(scene.friendOf(ada, 'Early', { wonward_referral_code: coded.code }));
    expect(await scene.rewardsOn(before)).toEqual(['friend issued 50.00 EUR', 'member issued 100.00 EUR']);

    const tried = await stack.api('POST', '/attribution-policies/dry-run', { policy: { assistPercent: 30 } });
    expect(tried.body.differences.map(({ kind, party, after }: Json) => [kind, party, after?.amount])).toEqual([
      ['changed', 'member', '70.00'],
      ['new', 'assist', '30.00'],
    ]);
    const refused = await stack.api('POST', '/attribution-policies', { assistPercent: 70 });
    expect(refused.body.errors).toEqual([{ field: 'assistPercent', problem: expect.stringContaining('50') }]);
    expect((await stack.api('POST', '/attribution-policies', { assistPercent: 30 })).status).toBe(200);

    const friend = scene.friendOf(ada, 'Torn', { wonward_referral_code: coded.code });
    const deal = await wonBy(friend);
    expect(await scene.rewardsOn(deal)).toEqual([
      'assist issued 30.00 EUR',
      'friend issued 50.00 EUR',
      'member issued 70.00 EUR',
    ]);
    const referral = await scene.referralOf(friend);
    expect(referral).toMatchObject({ memberId: labelled.id, assist: { memberId: coded.id, percent: 30, until: null } });

    const { body } = await stack.api('GET', `/rewards?referralId=${referral.id}&limit=100`);
    const share = body.items.find(({ party }: Json) => party === 'assist');
    expect(share).toMatchObject({ beneficiaryId: coded.id, money: { amount: '30.00' } });
    const card = await scene.cardView(bob);
    const told = card.referrals.find(({ referralId }) => referralId === referral.id)?.rewards;
    expect(told?.map(({ party, beneficiary, money }) => [party, beneficiary, money?.amount])).toEqual([
      ['member', 'Ada', '70.00'],
      ['friend', 'Torn', '50.00'],
      ['assist', 'Bob', '30.00'],
    ]);
    expect(scene.show('contact', bob).wonward_last_reward_reason ?? '').toContain('Closed Won');
    await expectSound();

    scene.reopen(deal);
    await stack.settle();
    expect(await scene.rewardsOn(deal)).toEqual([
      'assist clawed_back 30.00 EUR',
      'friend clawed_back 50.00 EUR',
      'member clawed_back 70.00 EUR',
    ]);
    await expectSound();
  });

  test('ends when a person gives the referral to one of the two, and the replay still finds both parts', async () => {
    const coded = await scene.memberOf(bob);
    const friend = scene.friendOf(ada, 'Moved', { wonward_referral_code: coded.code });
    const deal = await wonBy(friend);
    const referral = await scene.referralOf(friend);
    const move = { memberId: coded.id, why: 'it was Bob alone' };
    expect((await stack.api('POST', `/referrals/${referral.id}/re-attribute`, move)).status).toBe(200);
    await stack.settle();
    expect(await scene.rewardsOn(deal)).toEqual([
      'assist clawed_back 30.00 EUR',
      'friend issued 50.00 EUR',
      'member clawed_back 70.00 EUR',
      'member issued 100.00 EUR',
    ]);
    expect((await scene.referralOf(friend)).assist.until).not.toBeNull();
    await expectSound();
  });
});
