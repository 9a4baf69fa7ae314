import { expect } from 'vitest';
import type { ProgramDocument } from '../../src/application/program-document.ts';
import type { Scene } from '../stories/scene.ts';
import { PORTAL, type Stack, TWO_SIDED } from './stack.ts';

/** Both sides at once, and the member once more after a hold. */
export const WITH_HOLD: ProgramDocument = {
  ...TWO_SIDED,
  rules: [
    ...TWO_SIDED.rules,
    {
      key: 'member-bonus',
      party: 'member',
      amount: { kind: 'fixed', money: { amount: '20.00', currency: 'EUR' } },
      holdDays: 14,
      payout: 'credit',
    },
  ],
};

/**
 * One of everything that happens to people and deals in a CRM, through the real service: what is stored afterwards has a row of every
 * kind, and every case in which a replay cannot know what was seen.
 */
export async function liveThroughEverything(stack: Stack, scene: Scene): Promise<void> {
  const { crm } = scene;
  const pair = () => {
    const member = scene.person('Member');
    return { member, friend: scene.friendOf(member) };
  };
  const wonDeal = async (contacts: string[], properties: Record<string, string> = {}) => {
    const deal = scene.deal(contacts, properties);
    await stack.settle();
    scene.win(deal);
    await stack.settle();
    return deal;
  };

  // Won and kept, won and re-opened, won with an amount that is corrected, won without one.
  await wonDeal([pair().friend]);
  scene.reopen(await wonDeal([pair().friend]));
  scene.edit('deal', await wonDeal([pair().friend], { amount: '-5' }), { amount: '250.00' });
  await wonDeal([pair().friend], { amount: '' });
  const twice = await wonDeal([pair().friend]);
  scene.reopen(twice);
  await stack.settle();
  scene.edit('deal', twice, { amount: '3000.00', dealstage: 'closedwon' });
  await stack.settle();

  // Two deals of one friend, one deal of two friends.
  const busy = pair();
  await wonDeal([busy.friend]);
  await wonDeal([busy.friend], { amount: '700.00' });
  await wonDeal([pair().friend, pair().friend]);

  // Deleted, detached, merged.
  crm.deleteRecord(PORTAL, 'deal', await wonDeal([pair().friend]));
  const leaver = pair();
  const left = await wonDeal([leaver.friend]);
  crm.dissociate(PORTAL, { fromType: 'deal', fromId: left, toType: 'contact', toId: leaver.friend });
  const joined = pair();
  const [primary, secondary] = [await wonDeal([joined.friend]), await wonDeal([joined.friend])];
  crm.mergeRecords(PORTAL, 'deal', { primaryObjectId: primary, objectIdToMerge: secondary });
  const [one, other] = [pair(), pair()];
  await wonDeal([one.friend]);
  crm.mergeRecords(PORTAL, 'contact', { primaryObjectId: one.friend, objectIdToMerge: other.friend });
  const gone = pair();
  await wonDeal([gone.friend]);
  await stack.settle();
  crm.deleteRecord(PORTAL, 'contact', gone.friend);
  const forgotten = pair();
  await wonDeal([forgotten.friend]);
  crm.privacyDelete(PORTAL, 'contact', forgotten.friend);

  // By code, by e-mail address before there is a contact, and by oneself.
  const created = await stack.api('POST', '/members', { name: 'Ann', email: 'ann@example.com' });
  await wonDeal([scene.person('Coded', { wonward_referral_code: created.body.code })]);
  await stack.api('POST', '/referrals', {
    memberId: created.body.id,
    friend: { name: 'Ben', email: 'ben@example.com' },
  });
  await stack.api('POST', '/referrals', { memberId: created.body.id, friend: { name: 'Cy', email: 'cy@example.com' } });
  await wonDeal([scene.person('Ben', { email: 'ben@example.com' })]);
  await wonDeal([scene.person('Ann', { email: 'ann@example.com', wonward_referral_code: created.body.code })]);
  await stack.settle();
}

/** Whatever came before: the next good event pays both sides, once. */
export async function expectNextDealPays(stack: Stack, scene: Scene): Promise<void> {
  const friend = scene.friendOf(scene.person('Next Member'), 'Next Friend');
  const deal = scene.deal([friend], { amount: '200.00' });
  await stack.settle();
  scene.win(deal);
  await stack.settle();
  expect(await scene.rewardsOn(deal)).toEqual([
    'friend issued 50.00 EUR',
    'member held 20.00 EUR',
    'member issued 20.00 EUR',
  ]);
  await scene.expectBalanced();
}
