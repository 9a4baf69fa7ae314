import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verify } from '../../src/application/verify.ts';
import { type Json, quickClock, type Stack, startStack } from '../support/stack.ts';
import { createScene, type Scene } from './scene.ts';

let stack: Stack;
let scene: Scene;
let ada: string;
let bob: string;

beforeAll(async () => {
  stack = await startStack({ clock: quickClock() });
  scene = createScene(stack);
  [ada, bob] = [scene.person('Ada'), scene.person('Bob')];
  await stack.install();
  scene.friendOf(bob);
  await stack.settle();
}, 120_000);
afterAll(() => stack.close());

async function expectSound(): Promise<void> {
  const { problems, accounts } = await stack.service.store.audited(stack.clock.now(), (audit) => verify(audit));
  expect([...problems, ...accounts.flatMap((account) => account.problems)]).toEqual([]);
}

async function attributionOf(referralId: string): Promise<Json> {
  const { status, body } = await stack.api('GET', `/referrals/${referralId}/attribution`);
  expect(status).toBe(200);
  return body;
}

async function balanceOf(account: string): Promise<string | undefined> {
  const { body } = await stack.api('GET', '/balances');
  return body.items.find((item: Json) => item.account === account)?.amount;
}

describe('a dispute', () => {
  test('moves a won referral: the one pays back, the other is paid, the friend keeps theirs, and all of it is told', async () => {
    const friend = scene.friendOf(ada);
    const deal = scene.deal([friend], { amount: '1000.00' });
    await stack.settle();
    scene.win(deal);
    await stack.settle();
    expect(await scene.rewardsOn(deal)).toEqual(['friend issued 50.00 EUR', 'member issued 100.00 EUR']);
    const [referral, rightful] = [await scene.referralOf(friend), await scene.memberOf(bob)];
    const move = { memberId: rightful.id, why: 'Bob met them first' };
    const { status, body } = await stack.api('POST', `/referrals/${referral.id}/re-attribute`, move);
    expect(status, JSON.stringify(body)).toBe(200);
    await stack.settle();
    expect(await scene.rewardsOn(deal)).toEqual([
      'friend issued 50.00 EUR',
      'member clawed_back 100.00 EUR',
      'member issued 100.00 EUR',
    ]);
    expect(await scene.decisionsOn(deal)).toEqual(['rewarded rewarded', 'reversed re_attributed', 'rewarded rewarded']);
    expect(await balanceOf(`credit:member:${rightful.id}`)).toBe('-100.00');
    expect(await balanceOf(`credit:member:${referral.memberId}`)).toBe('0.00');
    const { items, memberId } = await attributionOf(referral.id);
    expect(memberId).toBe(rightful.id);
    expect(items.map(({ kind, reason }: Json) => `${kind} ${reason.text}`)).toEqual([
      'attributed The association "Referred by" in the CRM names the member.',
      expect.stringMatching(/^moved Given to another member by .+: Bob met them first$/),
    ]);
    const again = await stack.api('POST', `/referrals/${referral.id}/re-attribute`, move);
    expect(again.status).toBe(200);
    await stack.settle();
    expect((await attributionOf(referral.id)).items).toHaveLength(2);
    expect(scene.show('contact', friend).wonward_referred_by).toContain('Bob');
    await expectSound();
  });

  test('is refused for nobody, and for the friend themselves', async () => {
    const friend = scene.friendOf(ada);
    const theirs = scene.friendOf(friend);
    await stack.settle();
    const [referral, self] = [await scene.referralOf(friend), await scene.memberOf(friend)];
    expect(theirs).not.toBe(friend);
    const path = `/referrals/${referral.id}/re-attribute`;
    const nobody = await stack.api('POST', path, { memberId: 'mem_nobody', why: 'x' });
    expect(nobody.body).toMatchObject({ status: 422, code: 'no_such_member' });
    const same = await stack.api('POST', path, { memberId: self.id, why: 'x' });
    expect(same.body).toMatchObject({
      status: 409,
      code: 'not_possible',
      detail: 'The member and the friend are the same person.',
    });
    await expectSound();
  });
});

describe('a policy', () => {
  test('is published in versions, once each, and decides on the friends who come', async () => {
    const refused = await stack.api('POST', '/attribution-policies', { sources: ['label', 'label'], touch: 'middle' });
    expect(refused.body.errors).toEqual([
      { field: 'touch', problem: 'must be one of first, last' },
      { field: 'sources', problem: 'every source counts once: leave out the second' },
    ]);
    const policy = { sources: ['code', 'label'], existingCustomer: 'decline' };
    const first = await stack.api('POST', '/attribution-policies', policy);
    expect(first.body).toMatchObject({ version: 1, policy: { ...policy, touch: 'first', windowDays: null } });
    expect((await stack.api('POST', '/attribution-policies', policy)).body.version).toBe(1);
    const { code, id } = await scene.memberOf(ada);
    const friend = scene.friendOf(bob, 'Both', { wonward_referral_code: code });
    await stack.settle();
    const referral = await scene.referralOf(friend);
    expect(referral).toMatchObject({ memberId: id, source: 'code' });
    const { items } = await attributionOf(referral.id);
    expect(items).toMatchObject([
      {
        policyVersion: 1,
        candidates: [
          { source: 'label', verdict: 'outranked' },
          { source: 'code', verdict: 'winner' },
        ],
      },
    ]);
    await expectSound();
  });
});
