import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PORTAL, quickClock, type Stack, startStack } from '../support/stack.ts';
import { createScene, type Scene } from './scene.ts';

let stack: Stack;
let scene: Scene;
let folder = '';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'wonward-'));
  stack = await startStack({ clock: quickClock(), databaseUrl: `sqlite:${join(folder, 'wonward.db')}` });
  scene = createScene(stack);
  await stack.install();
});
afterAll(async () => {
  await stack.close();
  rmSync(folder, { recursive: true });
});

const PAID = ['friend issued 50.00 EUR', 'member issued 100.00 EUR'];
const TAKEN_BACK = ['friend clawed_back 50.00 EUR', 'member clawed_back 100.00 EUR'];
const standing = (rewards: string[]) => rewards.filter((reward) => / (held|approved|issuing|issued) /.test(reward));

async function won(contactIds: string[]): Promise<string> {
  const deal = scene.deal(contactIds);
  await stack.settle();
  scene.win(deal);
  await stack.settle();
  return deal;
}

function label(friendId: string, memberId: string): void {
  scene.crm.associate(PORTAL, {
    fromType: 'contact',
    fromId: friendId,
    toType: 'contact',
    toId: memberId,
    labels: ['Referred by'],
  });
}

async function enrolled(name = 'Member'): Promise<{ contact: string; id: string; code: string }> {
  const contact = scene.person(name);
  const { status, body } = await stack.api('POST', '/members', {
    name,
    contact: { connectionId: (await scene.connection()).id, id: contact },
  });
  expect(status).toBe(201);
  await stack.settle();
  return { contact, id: body.id, code: body.code };
}

describe('somebody who refers themself', () => {
  test('by their own code is declined, is told why on the card, and is not paid; the next friend with this code is', async () => {
    const member = await enrolled();
    scene.edit('contact', member.contact, { wonward_referral_code: member.code });
    const deal = await won([member.contact]);
    expect(await scene.referralOf(member.contact)).toMatchObject({
      stage: 'declined',
      reason: { code: 'self_referral' },
    });
    expect(await scene.rewardsOn(deal)).toEqual([]);
    const story = (await scene.cardView(member.contact)).referrals.find(({ direction }) => direction === 'received');
    expect(story).toMatchObject({ stage: 'declined', stageReason: 'The member and the friend are the same person.' });

    const friend = scene.person('Friend', { wonward_referral_code: member.code });
    expect(await scene.rewardsOn(await won([friend]))).toEqual(PAID);
  });

  test('by the API is refused with a reason', async () => {
    const member = await enrolled();
    const { email } = scene.show('contact', member.contact);
    const { status, body } = await stack.api('POST', '/referrals', {
      memberId: member.id,
      friend: { email: `  ${email?.toUpperCase()} ` },
    });
    expect([status, body.code]).toEqual([422, 'self_referral']);
  });

  test('until the mistyped address is corrected: the referral stands again and the won deal pays', async () => {
    const member = await enrolled();
    const friend = scene.person('Friend', { wonward_referral_code: member.code });
    await stack.settle();
    const { email = '' } = scene.show('contact', member.contact);
    const away = `moved.${email}`;
    // The member's address is typed into the friend's contact; HubSpot allows an address once.
    scene.edit('contact', member.contact, { email: away });
    await stack.settle();
    scene.edit('contact', friend, { email });
    const deal = await won([friend]);
    expect(await scene.rewardsOn(deal)).toEqual(PAID);
    await scene.expectBalanced();
  });
});

describe('a circle of referrals', () => {
  test('pays for those that opened it and declines the one that closes it', async () => {
    const [a, b, c] = [scene.person('Anna'), scene.person('Ben'), scene.person('Cleo')];
    label(b, a);
    await stack.settle();
    label(c, b);
    await stack.settle();
    label(a, c);
    await stack.settle();
    expect(await scene.referralOf(b)).toMatchObject({ stage: 'accepted' });
    expect(await scene.referralOf(c)).toMatchObject({ stage: 'accepted' });
    expect(await scene.referralOf(a)).toMatchObject({ stage: 'declined', reason: { code: 'referral_cycle' } });
    expect(await scene.rewardsOn(await won([b]))).toEqual(PAID);
    expect(await scene.rewardsOn(await won([a]))).toEqual([]);
    expect((await scene.cardView(a)).role).toBe('both');
    await scene.expectNextDealPays();
  });
});

describe('a friend is known', () => {
  test('by the code they gave, as people type it', async () => {
    const member = await enrolled();
    const friend = scene.person('Friend', {
      wonward_referral_code: ` ${member.code.toLowerCase().replaceAll('-', ' ')} `,
    });
    expect(await scene.rewardsOn(await won([friend]))).toEqual(PAID);
    expect(await scene.referralOf(friend)).toMatchObject({ source: 'code', memberId: member.id });
  });

  test('by no code that is nobody’s, until it is corrected', async () => {
    const member = await enrolled();
    const friend = scene.person('Friend', { wonward_referral_code: 'NOBODY-HAS-THIS' });
    const deal = await won([friend]);
    expect(await scene.referralOf(friend)).toBeUndefined();
    scene.edit('contact', friend, { wonward_referral_code: member.code });
    await stack.settle();
    expect(await scene.rewardsOn(deal)).toEqual(PAID);
  });

  test('by the e-mail address that was submitted before there was a contact', async () => {
    const member = await enrolled();
    const email = 'later@example.com';
    const submitted = await stack.api('POST', '/referrals', { memberId: member.id, friend: { name: 'Later', email } });
    expect(submitted.body).toMatchObject({ stage: 'submitted', reason: { code: 'submitted' } });
    const friend = scene.person('Later', { email: 'Later@Example.com' });
    await stack.settle();
    expect(await scene.referralOf(friend)).toMatchObject({ id: submitted.body.id, stage: 'accepted', source: 'email' });
    expect(await scene.rewardsOn(await won([friend]))).toEqual(PAID);
  });

  test('by the e-mail address of a contact that was there before the submission', async () => {
    const member = await enrolled();
    const friend = scene.person('Earlier');
    const { email } = scene.show('contact', friend);
    await stack.settle();
    const submitted = await stack.api('POST', '/referrals', { memberId: member.id, friend: { email } });
    await stack.settle();
    expect(await scene.referralOf(friend)).toMatchObject({ id: submitted.body.id, stage: 'accepted', source: 'email' });
    expect(await scene.rewardsOn(await won([friend]))).toEqual(PAID);
  });

  test('by the contact that was submitted', async () => {
    const member = await enrolled();
    const friend = scene.person('Friend');
    const contact = { connectionId: (await scene.connection()).id, id: friend };
    const submitted = await stack.api('POST', '/referrals', { memberId: member.id, friend: { contact } });
    expect(submitted.status).toBe(201);
    await stack.settle();
    expect(await scene.rewardsOn(await won([friend]))).toEqual(PAID);
    const again = await stack.api('POST', '/referrals', { memberId: member.id, friend: { contact } });
    expect([again.status, again.body.id]).toEqual([200, submitted.body.id]);
    const other = await enrolled('Rival');
    const rival = await stack.api('POST', '/referrals', { memberId: other.id, friend: { contact } });
    expect([rival.status, rival.body.code]).toEqual([409, 'referred_by_another']);
  });

  test('by a label that is set after the deal was won', async () => {
    const [member, friend] = [scene.person('Member'), scene.person('Friend')];
    const deal = await won([friend]);
    expect(await scene.rewardsOn(deal)).toEqual([]);
    label(friend, member);
    await stack.settle();
    expect(await scene.rewardsOn(deal)).toEqual(PAID);
  });

  test('on a deal that they are put on after it was won, and no longer when they are taken off', async () => {
    const friend = scene.friendOf(scene.person('Member'));
    const deal = await won([]);
    const link = { fromType: 'deal', fromId: deal, toType: 'contact', toId: friend };
    scene.crm.associate(PORTAL, link);
    await stack.settle();
    expect(await scene.rewardsOn(deal)).toEqual(PAID);
    scene.crm.dissociate(PORTAL, link);
    await stack.settle();
    expect(await scene.decisionsOn(deal)).toEqual(['rewarded rewarded', 'reversed deal_detached']);
    expect(await scene.rewardsOn(deal)).toEqual(TAKEN_BACK);
    scene.crm.associate(PORTAL, link);
    await stack.settle();
    expect(standing(await scene.rewardsOn(deal))).toEqual(PAID);
    await scene.expectBalanced();
  });
});

describe('two friends on one deal', () => {
  test('are paid for once, and the other one’s card says why not', async () => {
    const [first, second] = [scene.friendOf(scene.person('First')), scene.friendOf(scene.person('Second'))];
    const deal = await won([second, first]);
    expect(await scene.rewardsOn(deal)).toEqual(PAID);
    const credited = await scene.referralOf(first);
    expect(
      (await scene.all('/rewards')).filter((reward) => reward.deal.id === deal).map(({ referralId }) => referralId),
    ).toEqual([credited.id, credited.id]);
    const [story] = (await scene.cardView(second)).referrals;
    expect(story?.rewards).toMatchObject([
      { state: 'skipped', reason: { code: 'other_referral_credited' } },
      { state: 'skipped' },
    ]);
    expect(scene.show('deal', deal)).toMatchObject({
      wonward_referral_id: credited.id,
      wonward_reward_state: 'member: issued, friend: issued',
    });
  });

  test('of whom the one who was paid for leaves it: the other one is paid for now', async () => {
    const [first, second] = [scene.friendOf(scene.person('First')), scene.friendOf(scene.person('Second'))];
    const deal = await won([second, first]);
    scene.crm.dissociate(PORTAL, { fromType: 'deal', fromId: deal, toType: 'contact', toId: first });
    await stack.settle();
    const rewards = (await scene.all('/rewards')).filter(
      (reward) => reward.deal.id === deal && reward.state === 'issued',
    );
    const { id } = await scene.referralOf(second);
    expect(rewards.map(({ referralId }) => referralId)).toEqual([id, id]);
    expect(standing(await scene.rewardsOn(deal))).toEqual(PAID);
    await scene.expectBalanced();
  });
});

describe("a friend's contact", () => {
  test('that is deleted leaves what was earned, and restored goes on with the same referral', async () => {
    const friend = scene.friendOf(scene.person('Member'));
    const deal = await won([friend]);
    const referral = await scene.referralOf(friend);
    scene.crm.deleteRecord(PORTAL, 'contact', friend);
    await stack.settle();
    expect(await scene.rewardsOn(deal)).toEqual(PAID);
    scene.crm.restoreRecord(PORTAL, 'contact', friend);
    await stack.settle();
    expect(await scene.referralOf(friend)).toMatchObject({ id: referral.id, stage: 'won' });
    expect(await scene.rewardsOn(deal)).toEqual(PAID);
    expect(await scene.decisionsOn(deal)).toEqual(['rewarded rewarded']);
  });

  test('that is deleted does not keep a reward for a deal that is then re-opened', async () => {
    const friend = scene.friendOf(scene.person('Member'));
    const deal = await won([friend]);
    scene.crm.deleteRecord(PORTAL, 'contact', friend);
    await stack.settle();
    expect(await scene.rewardsOn(deal)).toEqual(PAID);
    scene.reopen(deal);
    await stack.settle();
    expect(await scene.rewardsOn(deal)).toEqual(TAKEN_BACK);
    expect(await scene.decisionsOn(deal)).toEqual(['rewarded rewarded', 'reversed left_won']);
    await scene.expectBalanced();
  });

  test('that is deleted does not keep a reward for a deal that is then deleted too', async () => {
    const friend = scene.friendOf(scene.person('Member'));
    const deal = await won([friend]);
    scene.crm.deleteRecord(PORTAL, 'contact', friend);
    await stack.settle();
    scene.crm.deleteRecord(PORTAL, 'deal', deal);
    await stack.settle();
    expect(await scene.decisionsOn(deal)).toEqual(['rewarded rewarded', 'reversed deal_deleted']);
    expect(await scene.rewardsOn(deal)).toEqual(TAKEN_BACK);
  });

  test('that is deleted and its deal won after that pays nothing: nobody was brought', async () => {
    const friend = scene.friendOf(scene.person('Member'));
    const deal = scene.deal([friend]);
    await stack.settle();
    scene.crm.deleteRecord(PORTAL, 'contact', friend);
    await stack.settle();
    scene.win(deal);
    await stack.settle();
    expect(await scene.rewardsOn(deal)).toEqual([]);
    scene.crm.restoreRecord(PORTAL, 'contact', friend);
    await stack.settle();
    expect(await scene.rewardsOn(deal)).toEqual(PAID);
  });

  test('that is merged with another one keeps the referral under its new id, and a later change is seen', async () => {
    const friend = scene.friendOf(scene.person('Member'));
    const duplicate = scene.person('Friend again');
    const deal = await won([friend]);
    const referral = await scene.referralOf(friend);
    const merged = scene.crm.mergeRecords(PORTAL, 'contact', {
      primaryObjectId: duplicate,
      objectIdToMerge: friend,
    }).id;
    await stack.settle();
    expect(await scene.referralOf(merged)).toMatchObject({ id: referral.id });
    expect(await scene.rewardsOn(deal)).toEqual(PAID);
    expect((await scene.cardView(merged)).referrals).toHaveLength(1);
    expect(scene.show('contact', merged).wonward_referred_by).toBe('Member');
    scene.reopen(deal);
    await stack.settle();
    expect(await scene.rewardsOn(deal)).toEqual(TAKEN_BACK);
    await scene.expectBalanced();
  });

  test('that is merged with another friend’s: the earlier referral goes on, and the deal is not paid twice', async () => {
    const [first, second] = [scene.friendOf(scene.person('First')), scene.friendOf(scene.person('Second'))];
    const deals = [await won([first]), await won([second])];
    expect(await scene.rewardsOn(...deals)).toHaveLength(4);
    const merged = scene.crm.mergeRecords(PORTAL, 'contact', { primaryObjectId: first, objectIdToMerge: second }).id;
    await stack.settle();
    await scene.expectNothingParked();
    await scene.expectBalanced();
    scene.edit('contact', merged, { firstname: 'Both' });
    await stack.settle();
    const rewards = (await scene.all('/rewards')).filter(({ deal }) => deals.includes(deal.id));
    for (const deal of deals) {
      const own = rewards.filter((reward) => reward.deal.id === deal && reward.state === 'issued');
      expect(own.filter(({ party }) => party === 'member').length, deal).toBeLessThanOrEqual(1);
    }
  });
});

describe("a member's contact", () => {
  test('that is merged is the same member: code, referrals and rewards go on under the new id', async () => {
    const member = scene.person('Member');
    const friend = scene.friendOf(member);
    await won([friend]);
    const before = await scene.memberOf(member);
    const merged = scene.crm.mergeRecords(PORTAL, 'contact', {
      primaryObjectId: scene.person('Member too'),
      objectIdToMerge: member,
    }).id;
    await stack.settle();
    expect(await scene.memberOf(merged)).toMatchObject({ id: before.id, code: before.code });
    expect(scene.show('contact', merged)).toMatchObject({
      wonward_code: before.code,
      wonward_rewards_issued: '100.00 EUR',
    });
    const next = scene.friendOf(merged, 'Another');
    expect(await scene.rewardsOn(await won([next]))).toEqual(PAID);
    expect(scene.show('contact', merged)).toMatchObject({
      wonward_rewards_issued: '200.00 EUR',
      wonward_won_referrals: '2',
    });
  });

  test('that is merged with their friend’s is one person: the reward is taken back with the reason', async () => {
    const member = scene.person('Member');
    const friend = scene.friendOf(member);
    const deal = await won([friend]);
    const merged = scene.crm.mergeRecords(PORTAL, 'contact', { primaryObjectId: member, objectIdToMerge: friend }).id;
    await stack.settle();
    expect(await scene.referralOf(merged)).toMatchObject({ stage: 'declined', reason: { code: 'self_referral' } });
    expect(await scene.rewardsOn(deal)).toEqual(TAKEN_BACK);
    expect(await scene.decisionsOn(deal)).toEqual(['rewarded rewarded', 'reversed referral_declined']);
    await scene.expectBalanced();
    await scene.expectNextDealPays();
  });

  test('that is deleted keeps the referral; the deal still pays both sides', async () => {
    const member = scene.person('Member');
    const friend = scene.friendOf(member);
    const deal = scene.deal([friend]);
    await stack.settle();
    scene.crm.deleteRecord(PORTAL, 'contact', member);
    await stack.settle();
    scene.win(deal);
    await stack.settle();
    expect(await scene.rewardsOn(deal)).toEqual(PAID);
    await scene.expectNothingParked();
  });
});

describe('two deals that are merged', () => {
  test('are paid for once, also when both were won', async () => {
    const friend = scene.friendOf(scene.person('Member'));
    const first = await won([friend]);
    const second = await won([friend]);
    expect(await scene.decisionsOn(second)).toEqual(['skipped other_deal_rewarded']);
    const merged = scene.crm.mergeRecords(PORTAL, 'deal', { primaryObjectId: second, objectIdToMerge: first }).id;
    await stack.settle();
    expect(standing(await scene.rewardsOn(first, second, merged))).toEqual(PAID);
    expect(scene.show('deal', merged).wonward_reward_state).toContain('member: issued');
    scene.reopen(merged);
    await stack.settle();
    expect(standing(await scene.rewardsOn(first, second, merged))).toEqual([]);
    scene.win(merged);
    await stack.settle();
    expect(standing(await scene.rewardsOn(first, second, merged))).toEqual(PAID);
    await scene.expectBalanced();
  });

  test('of which only one was won: what the merged deal is now decides', async () => {
    const friend = scene.friendOf(scene.person('Member'));
    const wonOne = await won([friend]);
    const open = scene.deal([friend]);
    await stack.settle();
    const merged = scene.crm.mergeRecords(PORTAL, 'deal', { primaryObjectId: open, objectIdToMerge: wonOne }).id;
    await stack.settle();
    expect(standing(await scene.rewardsOn(open, wonOne, merged))).toEqual([]);
    scene.win(merged);
    await stack.settle();
    expect(standing(await scene.rewardsOn(open, wonOne, merged))).toEqual(PAID);
    await scene.expectBalanced();
  });
});

describe('a deal that others were merged into', () => {
  test('shows what was decided on them, also when the referral rests on another deal', async () => {
    const friend = scene.friendOf(scene.person('Member'));
    const noAmount = scene.deal([friend], { amount: '' });
    scene.win(noAmount);
    await stack.settle();
    const [paid, skipped] = [await won([friend]), await won([friend])];
    expect(await scene.decisionsOn(paid)).toEqual(['rewarded rewarded']);
    expect(scene.show('deal', skipped).wonward_reward_state).toBe('member: skipped, friend: skipped');
    const merged = scene.crm.mergeRecords(PORTAL, 'deal', { primaryObjectId: skipped, objectIdToMerge: paid }).id;
    await stack.settle();
    expect(scene.show('deal', merged).wonward_reward_state).toBe('member: issued, friend: skipped');
    expect(standing(await scene.rewardsOn(noAmount, paid, skipped, merged))).toEqual(PAID);
    await scene.expectBalanced();
  });
});

describe('a person who is to be forgotten', () => {
  const SECRETS = ['Zebulon', 'Quackenbush', 'zebulon.quackenbush'];

  async function forgottenEverywhere(contactIds: string[]): Promise<void> {
    const told = JSON.stringify([await scene.story(), ...(await Promise.all(contactIds.map((id) => scene.card(id))))]);
    for (const secret of SECRETS) expect(told).not.toContain(secret);
    for (const id of contactIds) expect(JSON.stringify(scene.show('contact', id))).not.toMatch(/Zebulon|Quackenbush/i);
    await scene.expectBalanced();
    const database = new Database(join(folder, 'wonward.db'), { readonly: true });
    const tables = database.prepare("select name from sqlite_master where type = 'table'").pluck().all() as string[];
    const naming = tables.filter((table) =>
      namesThem(JSON.stringify(database.prepare(`select * from "${table}"`).safeIntegers(false).all())),
    );
    database.close();
    expect(naming).toEqual([]);
  }

  /** Also what a page of the file still holds of rows that were changed. */
  async function filesThatName(): Promise<string[]> {
    await stack.stop();
    const naming = readdirSync(folder).filter((file) => namesThem(readFileSync(join(folder, file)).toString('latin1')));
    await stack.start();
    return naming;
  }

  function namesThem(text: string): boolean {
    return SECRETS.some((secret) => text.toLowerCase().includes(secret.toLowerCase()));
  }

  const identity = { firstname: 'Zebulon', lastname: 'Quackenbush', email: 'zebulon.quackenbush@example.com' };

  test('as a friend: name and address are gone from API, cards, CRM and database, and the ledger still balances', async () => {
    const member = scene.person('Member');
    const friend = scene.friendOf(member, 'Friend', identity);
    const deal = await won([friend]);
    expect(JSON.stringify(await scene.story())).toContain('Zebulon');
    scene.crm.privacyDelete(PORTAL, 'contact', friend);
    await stack.settle();
    expect(await scene.rewardsOn(deal)).toEqual(PAID);
    await forgottenEverywhere([member]);
    await scene.expectNextDealPays();
  });

  test('as a member: their friends’ records and cards no longer name them either', async () => {
    const member = scene.person('Member', { ...identity, email: 'zebulon.quackenbush.2@example.com' });
    const friend = scene.friendOf(member, 'Plain');
    const deal = await won([friend]);
    expect(scene.show('contact', friend).wonward_referred_by).toBe('Zebulon Quackenbush');
    scene.crm.privacyDelete(PORTAL, 'contact', member);
    await stack.settle();
    expect(await scene.rewardsOn(deal)).toEqual(PAID);
    await forgottenEverywhere([friend]);
    await scene.expectNextDealPays();
  });

  test('as a submitted friend who never was a contact in time: the address goes with the contact', async () => {
    const member = await enrolled();
    await stack.api('POST', '/referrals', {
      memberId: member.id,
      friend: { name: 'Zebulon Quackenbush', email: 'zebulon.quackenbush.3@example.com' },
    });
    const friend = scene.person('Zebulon', { ...identity, email: 'zebulon.quackenbush.3@example.com' });
    await stack.settle();
    scene.crm.privacyDelete(PORTAL, 'contact', friend);
    await stack.settle();
    await forgottenEverywhere([member.contact]);
    await scene.expectNextDealPays();
  });

  test('is not in the files of the database either', async () => {
    expect(await filesThatName()).toEqual([]);
  });
});
