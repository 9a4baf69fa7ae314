import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PORTAL, type Stack, startStack } from '../support/stack.ts';

/** The story of the README, told by the real parts. Each test goes on where the one before it ended. */
describe('the main job on HubSpot', () => {
  let stack: Stack;
  let ada = '';
  let bob = '';
  let deal = '';
  const crm = () => stack.sandbox.control;
  const contact = (id: string) => crm().getRecord(PORTAL, 'contact', id).properties;

  beforeAll(async () => {
    stack = await startStack();
  });
  afterAll(() => stack.close());

  test('an admin installs it by OAuth, and what it needs is there', async () => {
    const { status, page } = await stack.install();
    expect(status).toBe(200);
    expect(page).toContain('HubSpot is connected');
    const { body } = await stack.api('GET', '/connections');
    expect(body.items).toMatchObject([{ provider: 'hubspot', externalId: String(PORTAL), status: 'connected' }]);
  });

  test('a contact is referred by another one and gets a deal: the member has a link and the referral is in progress', async () => {
    ada = crm().createRecord(PORTAL, 'contact', {
      properties: { email: 'ada@example.com', firstname: 'Ada', lastname: 'Lovelace' },
    }).id;
    bob = crm().createRecord(PORTAL, 'contact', {
      properties: { email: 'bob@example.com', firstname: 'Bob', lastname: 'Noyce' },
      associations: [{ toType: 'contact', toId: ada, labels: ['Referred by'] }],
    }).id;
    deal = crm().createRecord(PORTAL, 'deal', {
      properties: { dealname: 'Engines', amount: '1234.50', pipeline: 'default', dealstage: 'appointmentscheduled' },
      associations: [{ toType: 'contact', toId: bob }],
    }).id;
    await stack.settle();
    const { body } = await stack.api('GET', '/referrals');
    expect(body.items).toMatchObject([{ stage: 'opportunity', friend: { contact: { id: bob } }, source: 'label' }]);
    expect(contact(ada)).toMatchObject({ wonward_referrals: '1', wonward_won_referrals: '0' });
    expect(contact(ada).wonward_share_link).toMatch(/\/r\/[0-9A-Z-]{14}$/);
    expect(contact(bob).wonward_referred_by).toBe('Ada Lovelace');
    expect(crm().getRecord(PORTAL, 'deal', deal).properties).toMatchObject({
      wonward_referral_id: body.items[0].id,
      wonward_stage: 'opportunity',
    });
  });

  test('the deal moves to Closed Won: both are rewarded once, the ledger balances, the CRM shows it', async () => {
    crm().editRecord(PORTAL, 'deal', deal, { properties: { dealstage: 'closedwon' } });
    await stack.settle();
    const rewards = (await stack.api('GET', '/rewards')).body.items;
    expect(
      rewards
        .map((reward: { party: string; state: string; money: { amount: string } }) => [
          reward.party,
          reward.state,
          reward.money.amount,
        ])
        .sort(),
    ).toEqual([
      ['friend', 'issued', '50.00'],
      ['member', 'issued', '123.45'],
    ]);
    const journals = (await stack.api('GET', '/journals')).body.items;
    for (const { postings } of journals) {
      const cents = postings.map(({ amount }: { amount: string }) => Number(amount.replace('.', '')));
      expect(cents.reduce((sum: number, one: number) => sum + one, 0)).toBe(0);
    }
    expect(contact(ada)).toMatchObject({
      wonward_won_referrals: '1',
      wonward_rewards_issued: '123.45 EUR',
      wonward_last_reward_reason: 'The deal "Engines" reached Closed Won and every condition is met.',
    });
    expect(crm().getRecord(PORTAL, 'deal', deal).properties).toMatchObject({
      wonward_stage: 'won',
      wonward_reward_state: 'member: issued, friend: issued',
    });
  });

  test('the same webhook three more times changes nothing', async () => {
    const before = await everything();
    const won = crm()
      .deliveries()
      .filter(({ events }) => events.some(({ propertyValue }) => propertyValue === 'closedwon'));
    expect(won.length).toBeGreaterThan(0);
    for (let again = 0; again < 3; again += 1) for (const { id } of won) await crm().redeliver(id);
    await stack.settle();
    expect(await everything()).toEqual(before);
  });

  test('the deal is re-opened: the rewards are taken back and the CRM says why', async () => {
    crm().editRecord(PORTAL, 'deal', deal, { properties: { dealstage: 'contractsent' } });
    await stack.settle();
    const rewards = (await stack.api('GET', '/rewards')).body.items;
    expect(rewards.map(({ state }: { state: string }) => state)).toEqual(['clawed_back', 'clawed_back']);
    const balances = (await stack.api('GET', '/balances')).body.items;
    expect(balances.every(({ amount }: { amount: string }) => /^0(\.00)?$/.test(amount))).toBe(true);
    expect(contact(ada)).toMatchObject({
      wonward_rewards_reversed: '123.45 EUR',
      wonward_last_reward_reason: 'The deal "Engines" left Closed Won.',
    });
    expect(contact(ada).wonward_rewards_issued ?? '').toBe('');
  });

  test('and won again: one reward each stands, and three decisions tell the story', async () => {
    crm().editRecord(PORTAL, 'deal', deal, { properties: { dealstage: 'closedwon' } });
    await stack.settle();
    const rewards = (await stack.api('GET', '/rewards?state=issued')).body.items;
    expect(rewards).toHaveLength(2);
    const decisions = (await stack.api('GET', '/decisions')).body.items.filter(
      ({ party }: { party: string }) => party === 'friend',
    );
    expect(decisions.map(({ outcome }: { outcome: string }) => outcome).reverse()).toEqual([
      'rewarded',
      'reversed',
      'rewarded',
    ]);
  });

  async function everything() {
    const lists = await Promise.all(
      ['/decisions', '/rewards', '/journals', '/balances', '/referrals', '/members'].map((path) =>
        stack.api('GET', path),
      ),
    );
    return lists.map(({ body }) => body.items);
  }
});
