import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verify } from '../../src/application/verify.ts';
import { type Json, quickClock, type Stack, startStack, TWO_SIDED } from '../support/stack.ts';
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

describe('a draft of a policy', () => {
  const by = (differences: Json[]) =>
    differences.map(({ kind, deal, party, before, after, memberBefore, memberAfter }: Json) => ({
      kind,
      deal: deal.id,
      party,
      amounts: [before?.amount ?? null, after?.amount ?? null],
      members: [memberBefore, memberAfter],
    }));
  const tried = async (policy: Json) => {
    const { status, body } = await stack.api('POST', '/attribution-policies/dry-run', { policy });
    expect(status, JSON.stringify(body)).toBe(201);
    return body;
  };

  test('is compared with what is in force, and tells what is wrong with it, before anybody publishes it', async () => {
    const { body } = await stack.api('GET', '/attribution-policies');
    const [{ policy: inForce, version }] = body.items;
    const same = await stack.api('POST', '/attribution-policies/diff', inForce);
    expect(same.body).toEqual({ inForce: version, differences: [] });
    const other = await stack.api('POST', '/attribution-policies/diff', { ...inForce, windowDays: 30 });
    expect(other.body.differences).toEqual([`windowDays: ${inForce.windowDays} → 30`]);
    const wrong = await stack.api('POST', '/attribution-policies/validate', { touch: 'middle' });
    expect(wrong.body.errors).toEqual([{ field: 'touch', problem: 'must be one of first, last' }]);
    expect((await stack.api('GET', '/attribution-policies')).body.items).toHaveLength(body.items.length);
  });

  test('of what speaks against a referral is compared with the program in force, signal by signal', async () => {
    const risk = { signals: [{ signal: 'same_phone', weight: 60 }] };
    expect((await stack.api('POST', '/risk/validate', risk)).body).toEqual({ weight: 60 });
    const path = '/programs/default/risk/diff';
    const { body } = await stack.api('POST', path, risk);
    expect(body.differences).toEqual(['risk.reviewAt: nothing → 50', 'risk.signals.same_phone.weight: nothing → 60']);
    const program = { programId: 'default', name: 'Friends of Acme', rules: TWO_SIDED.rules };
    expect((await stack.api('POST', '/programs/diff', program)).body.differences).toEqual([]);
    const other = await stack.api('POST', '/programs/diff', { ...program, risk });
    expect(other.body.differences).toEqual(body.differences);
    const wrong = await stack.api('POST', path, { ...risk, reviewAt: 70 });
    expect(wrong.body.errors).toMatchObject([
      { field: 'reviewAt', problem: expect.stringContaining('never be reached') },
    ]);
  });

  test('is tried over history: whose a referral would be and what that changes; what a person has moved stays', async () => {
    const [labelled, coded] = [await scene.memberOf(bob), await scene.memberOf(ada)];
    const friend = scene.friendOf(bob, 'Torn', { wonward_referral_code: coded.code });
    const deal = scene.deal([friend], { amount: '700.00' });
    await stack.settle();
    scene.win(deal);
    await stack.settle();
    const [{ policy: inForce }] = (await stack.api('GET', '/attribution-policies')).body.items;
    expect(await scene.referralOf(friend)).toMatchObject({ memberId: coded.id, source: 'code' });
    expect(await tried(inForce)).toMatchObject({ counts: { new: 0, lost: 0, changed: 0 }, differences: [] });

    const turned = await tried({ ...inForce, sources: ['label', 'code'] });
    expect(by(turned.differences)).toEqual([
      { kind: 'changed', deal, party: 'member', amounts: ['70.00', '70.00'], members: [coded.id, labelled.id] },
    ]);
    expect(turned.totals.every(({ difference }: Json) => difference === '0.00')).toBe(true);

    // By e-mail address alone nobody is found: everything of those two sources is lost, but for what a person has decided.
    const none = await tried({ ...inForce, sources: ['email'] });
    expect(none.counts).toMatchObject({ new: 0, changed: 0 });
    const lost = by(none.differences).filter((one) => one.deal === deal);
    expect(lost.map(({ kind, party, members }) => [kind, party, members]).sort()).toEqual([
      ['lost', 'friend', [coded.id, null]],
      ['lost', 'member', [coded.id, null]],
    ]);
    expect(none.differences[0].why).toContain('the friend belongs to nobody');
    expect(none.counts.same).toBeGreaterThan(0);
    // Nothing was moved by asking.
    expect(await scene.referralOf(friend)).toMatchObject({ memberId: coded.id, source: 'code' });
    await expectSound();
  });
});
