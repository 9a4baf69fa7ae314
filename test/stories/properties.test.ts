import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PORTAL, quickClock, type Stack, startStack } from '../support/stack.ts';
import { createScene, type Scene } from './scene.ts';

/** Rules that ask about the customer's own properties, from the portal to the card. */

let stack: Stack;
let scene: Scene;

const MINUTE_MS = 60_000;
const PAID = { fact: 'deal.property', property: 'invoice_status', op: 'in', values: ['paid'] };
const PROGRAM = {
  programId: 'default',
  name: 'Paid invoices',
  rules: [
    {
      key: 'member-paid',
      party: 'member',
      amount: { kind: 'percent', basisPoints: 1_000 },
      conditions: [{ fact: 'company.property', property: 'seats', op: 'at_least', number: '10' }],
      holdUntil: { met: PAID, askAfterDays: 30 },
      limits: [{ per: 'company', window: 'life', count: 1 }],
      payout: 'credit',
    },
  ],
};

beforeAll(async () => {
  stack = await startStack({ clock: quickClock() });
  scene = createScene(stack);
  await stack.install();
});
afterAll(() => stack.close());

const publish = () => stack.api('POST', '/programs', PROGRAM);

test('a rule that asks for a property that the portal does not have is refused, with its name', async () => {
  const { status, body } = await publish();
  expect(status).toBe(400);
  expect(body.errors).toEqual([
    { field: 'rules[0].conditions', problem: expect.stringContaining('company.property "seats"') },
    { field: 'rules[0].conditions', problem: expect.stringContaining('deal.property "invoice_status"') },
  ]);
});

describe('a rule that waits for a paid invoice and asks for the size of the company', () => {
  test('holds, pays when the sweep finds the invoice paid, and pays once for each company', async () => {
    const text = (name: string, groupName: string) =>
      ({ name, label: name, type: 'string', fieldType: 'text', groupName }) as const;
    scene.crm.createProperty(PORTAL, 'deal', text('invoice_status', 'dealinformation'));
    scene.crm.createProperty(PORTAL, 'company', text('seats', 'companyinformation'));
    expect((await publish()).status).toBe(200);

    const acme = scene.crm.createRecord(PORTAL, 'company', { properties: { name: 'Acme', seats: '250' } }).id;
    const [ada, eve] = [scene.person('Ada'), scene.person('Eve')];
    const friends = [scene.friendOf(ada, 'Bob'), scene.friendOf(eve, 'Cem')];
    for (const friend of friends)
      scene.crm.associate(PORTAL, { fromType: 'contact', fromId: friend, toType: 'company', toId: acme });
    const [first, second] = friends.map((friend) => scene.deal([friend]));
    if (!first || !second) throw new Error('no deals');
    scene.win(first);
    await stack.settle();
    scene.win(second);
    await stack.settle();

    expect(await scene.rewardsOn(first, second)).toEqual(['member held 100.00 EUR']);
    expect(await scene.decisionsOn(second)).toEqual(['capped limit_reached']);
    const row = (await scene.cardView(ada)).referrals[0]?.rewards[0];
    expect(row).toMatchObject({
      state: 'held',
      wouldPay: 'Pays when the deal property invoice_status is paid.',
      next: 'Paid when that is so; if it is not by then, a person decides.',
    });

    // No webhook tells of a property that the app has not subscribed to.
    await stack.clock.sleep(MINUTE_MS);
    scene.edit('deal', first, { invoice_status: 'paid' });
    await scene.sweepToRest();
    expect(await scene.rewardsOn(first)).toEqual(['member issued 100.00 EUR']);
    expect(await scene.decisionsOn(first)).toEqual(['held held_until', 'rewarded hold_met']);
    await scene.expectBalanced();
  });
});
