import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PORTAL, quickClock, type Stack, startStack, TWO_SIDED } from '../support/stack.ts';
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

  test('by their e-mail address through the API: as in HubSpot, also in contacts that were never read, and a second call changes nothing', async () => {
    const email = 'zebulon.quackenbush.4@example.com';
    const member = await enrolled();
    const friend = scene.friendOf(member.contact, 'Zebulon', { ...identity, email });
    const deal = await won([friend]);
    const [reward] = (await scene.all('/rewards')).filter((one) => one.deal.id === deal && one.party === 'friend');
    const dispute = await stack.api('POST', '/disputes', {
      referralId: reward.referralId,
      rewardId: reward.id,
      claim: 'other',
      words: 'Zebulon Quackenbush wrote from Zebulon.Quackenbush.4@example.com that it never came.',
      by: { role: 'rep', id: 'rep-1' },
    });
    expect(dispute.status, JSON.stringify(dispute.body)).toBe(201);
    const { body } = await stack.api('POST', '/people/erase', { email: email.toUpperCase() });
    expect(body).toMatchObject({
      outcome: 'erased',
      erasure: { source: 'api', by: expect.any(String), counts: { contacts: 1, members: 0, referrals: 1 } },
      searched: [{ connectionId: (await scene.connection()).id, problem: null }],
    });
    expect(body.kept.find(({ what }: { what: string }) => what === 'rewards').rows).toBe(1);
    await stack.settle();
    expect(scene.show('contact', friend).wonward_referred_by ?? '').toBe('');
    expect(await scene.rewardsOn(deal)).toEqual(PAID);
    // HubSpot has the contact still, with its name: a person deletes it there, or not.
    expect(scene.show('contact', friend).lastname).toBe('Quackenbush');
    scene.edit('contact', friend, { firstname: 'Zebulon the second' });
    await stack.settle();
    await scene.sweepToRest();
    await forgottenEverywhere([member.contact]);
    const again = await stack.api('POST', '/people/erase', { email });
    expect(again.body).toMatchObject({ outcome: 'already_erased', erasure: { id: body.erasure.id } });
    const exported = await stack.api('POST', '/people/export', { email });
    expect([exported.status, exported.body.detail]).toEqual([404, expect.stringContaining(body.erasure.id)]);
    await scene.expectNextDealPays();
  });

  test('does not come back by the contact that HubSpot still has; by another contact they are somebody new', async () => {
    const email = 'zebulon.quackenbush.5@example.com';
    const connectionId = (await scene.connection()).id;
    const member = await enrolled();
    const friend = scene.friendOf(member.contact, 'Zebulon', { ...identity, email });
    await stack.settle();
    const contact = { connectionId, id: friend };
    expect((await stack.api('POST', '/people/erase', { contact })).body.outcome).toBe('erased');
    await stack.settle();
    const refused = [
      await stack.api('POST', '/members', { name: 'Zebulon', email, contact }),
      await stack.api('POST', '/referrals', { memberId: member.id, friend: { name: 'Zebulon', email, contact } }),
    ];
    expect(refused.map(({ status, body }) => [status, body.code])).toEqual([
      [409, 'person_erased'],
      [409, 'person_erased'],
    ]);
    // What is won after that pays nobody for somebody who was forgotten.
    const deal = await won([friend]);
    expect(await scene.rewardsOn(deal)).toEqual([]);
    await forgottenEverywhere([member.contact]);
    // A merge with another record of theirs does not bring them back either.
    const twin = scene.friendOf(member.contact, 'Zebulon', { ...identity, email: 'zebulon.quackenbush.6@example.com' });
    await stack.settle();
    const merged = scene.crm.mergeRecords(PORTAL, 'contact', { primaryObjectId: twin, objectIdToMerge: friend }).id;
    await stack.settle();
    expect(scene.show('contact', merged).firstname).toBe('Zebulon');
    await forgottenEverywhere([member.contact]);
    // Who comes back as a new contact is a new person, with the same address.
    scene.crm.deleteRecord(PORTAL, 'contact', merged);
    const back = scene.friendOf(member.contact, 'Ada', { lastname: 'Anew', email });
    expect(await scene.rewardsOn(await won([back]))).toEqual(PAID);
    expect((await scene.referralOf(back)).friend.name).toBe('Ada Anew');
    expect((await stack.api('POST', '/people/erase', { contact: { connectionId, id: back } })).body.outcome).toBe(
      'erased',
    );
    await stack.settle();
    await forgottenEverywhere([member.contact]);
  });

  test('as a member without a contact, who is enrolled by the same address later: two members, the first of whom nobody can name', async () => {
    const email = 'zebulon.quackenbush.7@example.com';
    const create = async () => (await stack.api('POST', '/members', { name: 'Zebulon', email })).body;
    const first = await create();
    expect((await stack.api('POST', '/people/erase', { memberId: first.id })).body.outcome).toBe('erased');
    await forgottenEverywhere([]);
    const second = await create();
    expect(second.id).not.toBe(first.id);
    expect(second.code).not.toBe(first.code);
    expect((await create()).id).toBe(second.id);
    const friend = { name: 'Fay', email: 'fay@example.com' };
    const refused = await stack.api('POST', '/referrals', { memberId: first.id, friend });
    expect(refused.body.code).toBe('no_such_member');
    expect((await stack.api('POST', '/people/erase', { email })).body.outcome).toBe('erased');
    await forgottenEverywhere([]);
    expect((await create()).id).not.toBe(second.id);
    await stack.api('POST', '/people/erase', { email });
    await forgottenEverywhere([]);
  });

  test('while a reward of theirs is on hold: what is owed stays owed, under an id, and is released as any other', async () => {
    const connectionId = (await scene.connection()).id;
    const held = await stack.api('POST', '/programs', {
      ...TWO_SIDED,
      programId: 'default',
      rules: TWO_SIDED.rules.map((rule) => ({ ...rule, holdDays: 7 })),
    });
    expect(held.status, JSON.stringify(held.body)).toBe(200);
    const member = await enrolled();
    const friend = scene.friendOf(member.contact, 'Zebulon', {
      ...identity,
      email: 'zebulon.quackenbush.8@example.com',
    });
    const deal = await won([friend]);
    expect(await scene.rewardsOn(deal)).toEqual(['friend held 50.00 EUR', 'member held 100.00 EUR']);
    const { body } = await stack.api('POST', '/people/erase', { contact: { connectionId, id: friend } });
    expect(body).toMatchObject({ outcome: 'erased', running: { rewards: 1, orders: 0, cases: 0 } });
    expect((await stack.api('POST', '/programs', TWO_SIDED)).status).toBe(200);
    await stack.settle();
    await forgottenEverywhere([member.contact]);
    expect(await scene.rewardsOn(deal)).toEqual(['friend held 50.00 EUR', 'member held 100.00 EUR']);
    const { body: doc } = await stack.api('POST', '/people/export', {
      referralId: (await scene.referralOf(friend)).id,
    });
    expect(doc).toMatchObject({ contacts: [{ isErased: true, name: null }], rewards: [{ state: 'held' }] });
  });

  test('is told first what is kept: one document, without the names of others', async () => {
    const member = scene.person('Zebulon', { ...identity, email: 'zebulon.quackenbush.9@example.com' });
    const friend = scene.friendOf(member, 'Otherperson', { email: 'otherperson@example.com' });
    await won([friend]);
    const { status, body } = await stack.api('POST', '/people/export', { email: 'zebulon.quackenbush.9@example.com' });
    expect(status, JSON.stringify(body)).toBe(200);
    expect(body).toMatchObject({
      contacts: [{ id: member, name: 'Zebulon Quackenbush', email: 'zebulon.quackenbush.9@example.com' }],
      members: [{ name: 'Zebulon Quackenbush' }],
      asFriend: [],
      asMember: [{ friend: { name: null, email: null, contact: null }, stage: 'won' }],
      rewards: [{ party: 'member' }],
      cut: [],
      erasure: null,
    });
    expect(JSON.stringify(body)).not.toMatch(/otherperson/i);
    expect(body.journals.length).toBeGreaterThan(0);
    expect(body.orders).toHaveLength(1);
    const { body: gone } = await stack.api('POST', '/people/erase', { memberId: body.members[0].id });
    expect(gone.outcome).toBe('erased');
    await stack.settle();
    expect(scene.show('contact', member).wonward_code ?? '').toBe('');
    expect(scene.show('contact', friend).wonward_referred_by).toBe(body.members[0].code);
    await forgottenEverywhere([friend]);
    const { body: list } = await stack.api('GET', '/people/erasures?limit=1');
    expect(list.items).toMatchObject([{ id: gone.erasure.id }]);
  });

  test('and is not known at all: it is said, and nothing is done', async () => {
    const { body } = await stack.api('POST', '/people/erase', { email: 'nobody@example.com' });
    expect(body).toMatchObject({ outcome: 'not_held', erasure: null });
    expect((await stack.api('POST', '/people/export', { email: 'nobody@example.com' })).status).toBe(404);
  });

  test('is not in the files of the database either', async () => {
    expect(await filesThatName()).toEqual([]);
  });
});
