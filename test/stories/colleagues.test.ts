import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verify } from '../../src/application/verify.ts';
import { type Json, PORTAL, quickClock, type Stack, startStack } from '../support/stack.ts';
import { createScene, type Scene } from './scene.ts';

/* Who was referred is rarely who signs: a policy with the source `company` gives a friend's colleagues to the same member. */

let stack: Stack;
let scene: Scene;
let ada: string;

beforeAll(async () => {
  stack = await startStack({ clock: quickClock() });
  scene = createScene(stack);
  ada = scene.person('Ada');
  await stack.install();
}, 120_000);
afterAll(() => stack.close());

const PAID = ['friend issued 50.00 EUR', 'member issued 100.00 EUR'];

function worksFor(company: string, ...contacts: string[]): void {
  for (const contact of contacts)
    scene.crm.associate(PORTAL, { fromType: 'contact', fromId: contact, toType: 'company', toId: company });
}

function company(name: string): string {
  return scene.crm.createRecord(PORTAL, 'company', { properties: { name } }).id;
}

async function publish(policy: Json): Promise<void> {
  const { status, body } = await stack.api('POST', '/attribution-policies', policy);
  expect(status, JSON.stringify(body)).toBe(200);
  await stack.settle();
}

async function expectSound(): Promise<void> {
  const { problems, accounts } = await stack.service.store.audited(stack.clock.now(), (audit) => verify(audit));
  expect([...problems, ...accounts.flatMap((account) => account.problems)]).toEqual([]);
}

describe('a colleague of a friend', () => {
  test('belongs to nobody without the policy, and to the member from the moment it is published', async () => {
    const acme = company('Acme');
    const friend = scene.friendOf(ada, 'Friend');
    const buyer = scene.person('Buyer');
    worksFor(acme, friend, buyer);
    const deal = scene.deal([buyer]);
    await stack.settle();
    expect(await scene.referralOf(buyer)).toBeUndefined();

    await publish({ sources: ['email', 'label', 'code', 'company'] });
    scene.win(deal);
    await stack.settle();
    expect(await scene.rewardsOn(deal)).toEqual(PAID);
    const [referral, first] = [await scene.referralOf(buyer), await scene.referralOf(friend)];
    expect(referral).toMatchObject({ source: 'company', memberId: first.memberId });
    const { body } = await stack.api('GET', `/referrals/${referral.id}/attribution`);
    expect(body.items).toMatchObject([
      {
        reason: { text: 'The contact works for the company of a friend whom the member referred.' },
        candidates: [{ source: 'company', verdict: 'winner' }],
      },
    ]);
    await expectSound();
  });

  test('is found also when their deal came first, and a label of their own outranks the company', async () => {
    const [globex, initech] = [company('Globex'), company('Initech')];
    const buyer = scene.person('Early');
    worksFor(globex, buyer);
    const deal = scene.deal([buyer]);
    await stack.settle();
    const friend = scene.person('Late', {}, [{ toType: 'contact', toId: ada, labels: ['Referred by'] }]);
    worksFor(globex, friend);
    await stack.settle();
    scene.edit('contact', friend, { firstname: 'Later' });
    await stack.settle();
    expect(await scene.referralOf(buyer)).toMatchObject({ source: 'company' });
    scene.win(deal);
    await stack.settle();
    expect(await scene.rewardsOn(deal)).toEqual(PAID);

    const bob = scene.person('Bob');
    const colleague = scene.friendOf(ada, 'First');
    const own = scene.friendOf(bob, 'Own');
    worksFor(initech, colleague, own);
    const theirs = scene.deal([own]);
    await stack.settle();
    scene.win(theirs);
    await stack.settle();
    expect(await scene.referralOf(own)).toMatchObject({ source: 'label', memberId: (await scene.memberOf(bob)).id });
    await expectSound();
  });
});
