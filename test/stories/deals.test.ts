import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PORTAL, quickClock, type Stack, startStack } from '../support/stack.ts';
import { createScene, type Scene } from './scene.ts';

let stack: Stack;
let scene: Scene;

beforeAll(async () => {
  stack = await startStack({ clock: quickClock() });
  scene = createScene(stack);
  await stack.install();
});
afterAll(() => stack.close());

const PAID = ['friend issued 50.00 EUR', 'member issued 100.00 EUR'];

function friend(): { member: string; friend: string } {
  const member = scene.person('Member');
  return { member, friend: scene.friendOf(member, 'Friend') };
}

async function wonDeal(properties: Record<string, string>): Promise<{ member: string; friend: string; deal: string }> {
  const people = friend();
  const deal = scene.deal([people.friend], properties);
  scene.win(deal);
  await stack.settle();
  return { ...people, deal };
}

describe('a deal that is won with an amount that cannot be paid on', () => {
  test.each([
    ['no amount', '', 'amount_missing', 'Enter an amount'],
    ['1e3', '1e3', 'amount_invalid', 'Correct the amount'],
    ['-5', '-5', 'amount_invalid', 'Correct the amount'],
    ['12.345', '12.345', 'amount_too_precise', 'Round the amount'],
    ['twenty digits', '12345678901234567890', 'amount_too_large', 'Check the amount'],
  ])(
    '(%s) pays the friend, says in API, card and CRM why the member waits, and pays once corrected',
    async (_, amount, code, remedy) => {
      const { member, friend: friendId, deal } = await wonDeal({ amount });
      expect(await scene.decisionsOn(deal)).toEqual([`waiting ${code}`]);
      expect(await scene.rewardsOn(deal)).toEqual(['friend issued 50.00 EUR']);

      const [made] = (await scene.cardView(member)).referrals;
      const row = made?.rewards.find(({ party }) => party === 'member');
      expect(row).toMatchObject({ state: 'waiting', reason: { code } });
      expect(row?.wouldPay).toContain(remedy);
      expect((await scene.cardView(friendId)).referrals[0]?.rewards).toHaveLength(2);
      expect(scene.show('deal', deal).wonward_reward_state).toBe('member: waiting, friend: issued');
      expect(scene.show('deal', deal).wonward_reward_reason).toContain('Waiting: ');

      scene.edit('deal', deal, { amount: '1000.00' });
      await stack.settle();
      expect(await scene.rewardsOn(deal)).toEqual(PAID);
      expect(await scene.decisionsOn(deal)).toEqual([`waiting ${code}`, 'rewarded rewarded']);
      expect(scene.show('deal', deal).wonward_reward_state).toBe('member: issued, friend: issued');
      await scene.expectBalanced();
    },
  );

  test('(Arabic digits) is refused by HubSpot itself, so that none is ever read', () => {
    expect(() => scene.deal([friend().friend], { amount: '١٢' })).toThrow(/valid/i);
  });

  test('of zero pays no percentage, and says so', async () => {
    const { deal } = await wonDeal({ amount: '0' });
    expect(await scene.decisionsOn(deal)).toEqual(['skipped amount_zero']);
    scene.edit('deal', deal, { amount: '1000' });
    await stack.settle();
    expect(await scene.rewardsOn(deal)).toEqual(PAID);
  });

  test('corrected to another wrong one tells the new reason', async () => {
    const { deal } = await wonDeal({ amount: '-5' });
    scene.edit('deal', deal, { amount: '' });
    await stack.settle();
    expect(await scene.decisionsOn(deal)).toEqual(['waiting amount_invalid', 'waiting amount_missing']);
    await scene.expectNextDealPays();
  });
});

describe("a deal's currency", () => {
  test('is the portal’s own when the deal names none', async () => {
    const { deal } = await wonDeal({ amount: '80.00' });
    expect(scene.show('deal', deal).deal_currency_code ?? '').toBe('');
    expect(await scene.rewardsOn(deal)).toEqual(['friend issued 50.00 EUR', 'member issued 8.00 EUR']);
  });

  test('without decimals is paid without decimals, and shown beside the others', async () => {
    const { member, deal } = await wonDeal({ amount: '12345', deal_currency_code: 'JPY' });
    expect(await scene.rewardsOn(deal)).toEqual(['friend issued 50.00 EUR', 'member issued 1234 JPY']);
    expect(scene.show('contact', member).wonward_rewards_issued).toBe('1234 JPY');
    await scene.expectBalanced();
  });

  test('of yen with decimals waits, and pays once rounded', async () => {
    const { deal } = await wonDeal({ amount: '12345.5', deal_currency_code: 'JPY' });
    expect(await scene.decisionsOn(deal)).toEqual(['waiting amount_too_precise']);
    scene.edit('deal', deal, { amount: '12346.00' });
    await stack.settle();
    expect(await scene.rewardsOn(deal)).toEqual(['friend issued 50.00 EUR', 'member issued 1235 JPY']);
  });
});

describe("a deal's people", () => {
  test('none: nothing happens, and it pays once the friend is put on it', async () => {
    const people = friend();
    const deal = scene.deal([]);
    scene.win(deal);
    await stack.settle();
    expect(await scene.all(`/decisions?dealId=${deal}`)).toEqual([]);
    scene.crm.associate(PORTAL, { fromType: 'deal', fromId: deal, toType: 'contact', toId: people.friend });
    await stack.settle();
    expect(await scene.rewardsOn(deal)).toEqual(PAID);
  });

  test('fifty: the one who was referred is paid for, the others are left alone', async () => {
    const people = friend();
    const others = Array.from({ length: 49 }, (_, index) => scene.person(`Buyer ${index}`));
    const deal = scene.deal([...others, people.friend]);
    await stack.settle();
    scene.win(deal);
    await stack.settle();
    expect(await scene.rewardsOn(deal)).toEqual(PAID);
    expect(await scene.decisionsOn(deal)).toEqual(['rewarded rewarded']);
    for (const id of others) expect(Object.keys(scene.show('contact', id)).filter(isOurs)).toEqual([]);
    await scene.expectNextDealPays();
  });

  test('strangers to the program: nothing is decided and nothing is written', async () => {
    const deal = scene.deal([scene.person('Stranger')]);
    scene.win(deal);
    await stack.settle();
    expect(await scene.all(`/decisions?dealId=${deal}`)).toEqual([]);
    expect(Object.keys(scene.show('deal', deal)).filter(isOurs)).toEqual([]);
  });
});

describe('a deal that is read too late to be seen as it was', () => {
  test('won, open and won again between two reads: paid once, and the whole story is told', async () => {
    const people = friend();
    const deal = scene.deal([people.friend]);
    await stack.settle();
    const speak = scene.silence();
    const now = stack.clock.now();
    scene.win(deal, now + 1);
    scene.reopen(deal, now + 2);
    scene.win(deal, now + 3);
    speak();
    await scene.sweep();
    expect(await scene.decisionsOn(deal)).toEqual(['rewarded rewarded', 'reversed left_won', 'rewarded rewarded']);
    expect((await scene.rewardsOn(deal)).filter((reward) => reward.includes('issued'))).toEqual(PAID);
    expect((await scene.rewardsOn(deal)).filter((reward) => !reward.includes('issued'))).toEqual([
      'friend voided 50.00 EUR',
      'member voided 100.00 EUR',
    ]);
    await scene.expectBalanced();
  });

  test('won and open again between two reads: nothing stands, nothing was ever paid out', async () => {
    const people = friend();
    const deal = scene.deal([people.friend]);
    await stack.settle();
    const speak = scene.silence();
    const now = stack.clock.now();
    scene.win(deal, now + 1);
    scene.reopen(deal, now + 2);
    speak();
    await scene.sweep();
    expect(await scene.decisionsOn(deal)).toEqual(['rewarded rewarded', 'reversed left_won']);
    expect(await scene.rewardsOn(deal)).toEqual(['friend voided 50.00 EUR', 'member voided 100.00 EUR']);
    scene.win(deal);
    await stack.settle();
    expect((await scene.rewardsOn(deal)).filter((reward) => reward.includes('issued'))).toEqual(PAID);
  });

  test('deleted before it is read: nothing is decided; restored: it pays', async () => {
    const people = friend();
    const deal = scene.deal([people.friend], { dealstage: 'closedwon' });
    scene.crm.deleteRecord(PORTAL, 'deal', deal);
    await stack.settle();
    expect(await scene.all(`/decisions?dealId=${deal}`)).toEqual([]);
    scene.crm.restoreRecord(PORTAL, 'deal', deal);
    await stack.settle();
    expect(await scene.rewardsOn(deal)).toEqual(PAID);
  });

  test('deleted after it was paid: the reward is taken back; restored: it is paid again', async () => {
    const { deal } = await wonDeal({});
    scene.crm.deleteRecord(PORTAL, 'deal', deal);
    await stack.settle();
    expect(await scene.decisionsOn(deal)).toEqual(['rewarded rewarded', 'reversed deal_deleted']);
    expect(await scene.rewardsOn(deal)).toEqual(['friend clawed_back 50.00 EUR', 'member clawed_back 100.00 EUR']);
    scene.crm.restoreRecord(PORTAL, 'deal', deal);
    await stack.settle();
    expect((await scene.rewardsOn(deal)).filter((reward) => reward.includes('issued'))).toEqual(PAID);
    expect(scene.show('deal', deal).wonward_reward_state).toBe('member: issued, friend: issued');
    await scene.expectBalanced();
  });
});

describe('pipelines that are not the default one', () => {
  const stage = (stageId: string, label: string, displayOrder: number, isClosed: string, probability: string) => ({
    stageId,
    label,
    displayOrder,
    metadata: { isClosed, probability },
  });

  test('made after the install, with stage ids and labels that lie: only what HubSpot says of a stage counts', async () => {
    scene.crm.createPipeline(PORTAL, 'deal', {
      pipelineId: '98 / ü',
      label: 'Odd',
      displayOrder: 7,
      stages: [
        stage('closedwon-2', 'Closed Won', 0, 'false', '0.5'),
        stage('closedlost-2', 'Lost', 1, 'true', '1.0'),
        stage('4711', 'Won!', 2, 'true', '0.0'),
        stage('almost', 'Nearly sure', 3, 'true', '0.9'),
      ],
    });
    const { friend: friendId } = friend();
    const deal = scene.deal([friendId], { pipeline: '98 / ü', dealstage: 'closedwon-2' });
    await stack.settle();
    expect(await scene.referralOf(friendId)).toMatchObject({ stage: 'opportunity' });
    for (const lost of ['4711', 'almost']) {
      scene.edit('deal', deal, { dealstage: lost });
      await stack.settle();
      expect(await scene.referralOf(friendId)).toMatchObject({ stage: 'lost' });
    }
    expect(await scene.rewardsOn(deal)).toEqual([]);
    scene.edit('deal', deal, { dealstage: 'closedlost-2' });
    await stack.settle();
    expect(await scene.referralOf(friendId)).toMatchObject({ stage: 'won' });
    expect(await scene.rewardsOn(deal)).toEqual(PAID);
    const [shown] = (await scene.cardView(friendId)).referrals;
    expect(shown?.deals).toMatchObject([{ id: deal, stageLabel: 'Lost' }]);
  });

  test('a won stage that is added after the install pays at once', async () => {
    scene.crm.addStage(PORTAL, 'deal', 'default', stage('signed', 'Signed', 9, 'true', '1.0'));
    const { friend: friendId } = friend();
    const deal = scene.deal([friendId]);
    await stack.settle();
    scene.edit('deal', deal, { dealstage: 'signed' });
    await stack.settle();
    expect(await scene.rewardsOn(deal)).toEqual(PAID);
  });

  test('a deal that moves to the won stage of another pipeline stays paid, once', async () => {
    scene.crm.createPipeline(PORTAL, 'deal', {
      pipelineId: 'renewals',
      label: 'Renewals',
      displayOrder: 8,
      stages: [stage('r-open', 'Open', 0, 'false', '0.5'), stage('r-won', 'Renewed', 1, 'true', '1.0')],
    });
    const { deal } = await wonDeal({});
    scene.edit('deal', deal, { pipeline: 'renewals', dealstage: 'r-won' });
    await stack.settle();
    expect(await scene.rewardsOn(deal)).toEqual(PAID);
    expect(await scene.decisionsOn(deal)).toEqual(['rewarded rewarded']);
    scene.edit('deal', deal, { dealstage: 'r-open' });
    await stack.settle();
    expect(await scene.rewardsOn(deal)).toEqual(['friend clawed_back 50.00 EUR', 'member clawed_back 100.00 EUR']);
  });

  test('a won stage that is renamed, or deleted after the deals left it, changes nothing that was decided', async () => {
    const { deal } = await wonDeal({ dealstage: 'contractsent' });
    scene.crm.editStage(PORTAL, 'deal', 'default', 'closedwon', { label: 'Perhaps' });
    scene.edit('deal', deal, { dealname: 'Renamed engines' });
    await stack.settle();
    expect(await scene.rewardsOn(deal)).toEqual(PAID);
    scene.crm.editStage(PORTAL, 'deal', 'default', 'closedwon', { label: 'Closed Won' });

    scene.crm.addStage(PORTAL, 'deal', 'default', stage('once', 'Once', 10, 'true', '1.0'));
    const other = scene.deal([friend().friend], { dealstage: 'once' });
    await stack.settle();
    expect(await scene.rewardsOn(other)).toEqual(PAID);
    scene.win(other);
    await stack.settle();
    scene.crm.deleteStage(PORTAL, 'deal', 'default', 'once');
    scene.edit('deal', other, { dealname: 'Read again' });
    await scene.sweep();
    expect(await scene.decisionsOn(other)).toEqual(['rewarded rewarded']);
    expect(await scene.rewardsOn(other)).toEqual(PAID);
    await scene.expectNextDealPays();
  });
});

function isOurs(name: string): boolean {
  return name.startsWith('wonward_');
}
