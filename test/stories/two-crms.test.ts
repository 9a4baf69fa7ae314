import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseConnectionsPolicy } from '../../src/application/connections-document.ts';
import { verify } from '../../src/application/verify.ts';
import { type Json, PORTAL, quickClock, type Stack, startStack } from '../support/stack.ts';
import { createScene, type Scene } from './scene.ts';

/** A second portal of the same account stands for a second CRM: what is told here knows nothing of vendors. */
const ORG = 147_000_002;
const BETA = 147_000_003;

let stack: Stack;
let portal: Scene;
let org: Scene;
let portalId = '';
let orgId = '';

beforeAll(async () => {
  stack = await startStack({
    clock: quickClock(),
    program: {
      programId: 'default',
      name: 'Friends of Acme',
      rules: [
        {
          key: 'member-won',
          party: 'member',
          amount: { kind: 'percent', basisPoints: 1_000 },
          payout: 'credit',
          deals: { kind: 'every' },
        },
      ],
    },
    sandbox: {
      portals: [
        { portalId: PORTAL, name: 'Portal', companyCurrency: 'EUR' },
        { portalId: ORG, name: 'Org', companyCurrency: 'EUR' },
        { portalId: BETA, name: 'Beta', companyCurrency: 'EUR' },
      ],
    },
  });
  portal = createScene(stack);
  org = createScene(stack, { portalId: ORG });
  await stack.install();
  await stack.install(ORG);
  portalId = (await portal.connection()).id;
  orgId = (await org.connection()).id;
  for (const [id, object, group] of [
    [PORTAL, 'deal', 'dealinformation'],
    [PORTAL, 'contact', 'contactinformation'],
    [ORG, 'contact', 'contactinformation'],
  ] as const)
    portal.crm.createProperty(id, object, {
      name: 'source_id',
      label: 'Id in the other CRM',
      type: 'string',
      fieldType: 'text',
      groupName: group,
    });
});
afterAll(() => stack.close());

const KEYED = () => ({ deals: { decidedIn: orgId, keys: { [portalId]: 'source_id', [orgId]: 'id' } } });

async function policy(body: Json): Promise<void> {
  const { status, body: answer } = await stack.api('POST', '/connections-policies', body);
  expect(status, JSON.stringify(answer)).toBe(200);
}

/** "member issued 100.00 EUR" of one deal of one connection: both portals give out the same ids. */
async function rewardsOn(scene: Scene, dealId: string): Promise<string[]> {
  const { id } = await scene.connection();
  return (await scene.all('/rewards'))
    .filter(({ deal }) => deal.id === dealId && deal.connectionId === id)
    .map(({ party, state, money }) => `${party} ${state} ${money.amount} ${money.currency}`)
    .sort();
}

async function decisionsOn(scene: Scene, dealId: string): Promise<Json[]> {
  const { id } = await scene.connection();
  return (await scene.all('/decisions'))
    .filter(({ deal }) => deal.id === dealId && deal.connectionId === id)
    .sort((a, b) => a.sequence - b.sequence);
}

const codesOn = async (scene: Scene, dealId: string) =>
  (await decisionsOn(scene, dealId)).map(({ outcome, reason }) => `${outcome} ${reason.code}`);

async function enrolled(scene: Scene, email: string): Promise<{ contact: string; id: string; code: string }> {
  const contact = scene.person('Member', { email });
  await stack.settle();
  const { body } = await stack.api('POST', '/members', {
    name: 'Member',
    email,
    contact: { connectionId: (await scene.connection()).id, id: contact },
  });
  await stack.settle();
  return { contact, id: body.id, code: body.code };
}

/** Every account's books, decisions and replays are in order. */
async function expectVerified(): Promise<void> {
  await stack.settle();
  const report = await stack.service.store.audited(stack.clock.now(), (audit) => verify(audit));
  expect(report.accounts.flatMap(({ problems }) => problems)).toEqual([]);
  await portal.expectBalanced();
}

/** HubSpot sends no webhook for a property that the app has not subscribed to; the sweep finds it. */
async function noticed(): Promise<void> {
  await stack.settle();
  await portal.sweep();
}

let people = 0;
function address(name: string): string {
  people += 1;
  return `${name}.${people}@example.com`;
}

const PAID = ['member issued 100.00 EUR'];

describe('one person in two connections', () => {
  test('a friend with the code of a member from the other one is their friend, and both contacts show it', async () => {
    const member = await enrolled(portal, address('member'));
    const email = address('friend');
    const friend = org.person('Friend', { email, wonward_referral_code: member.code });
    const copy = portal.person('Friend', { email });
    await stack.settle();
    const referrals = (await portal.all('/referrals')).filter(({ memberId }) => memberId === member.id);
    expect(referrals).toMatchObject([{ friend: { contact: { connectionId: orgId, id: friend } } }]);
    const { body } = await stack.api('GET', `/referrals/${referrals[0].id}/contacts`);
    expect(body).toMatchObject({
      home: { connectionId: orgId, id: friend },
      items: [{ contact: { connectionId: portalId, id: copy }, evidence: 'email', until: null }],
    });
    await stack.settle();
    expect(org.show('contact', friend).wonward_referred_by).toBe('Member');
    expect(portal.show('contact', copy).wonward_referred_by).toBe('Member');
    await expectVerified();
  });

  test('a contact that was there before is found when its person is met in the other one', async () => {
    const member = await enrolled(org, address('member'));
    const email = address('friend');
    const copy = portal.person('Friend', { email });
    await stack.settle();
    const friend = org.person('Friend', { email, wonward_referral_code: member.code });
    await stack.settle();
    await stack.settle();
    const referral = (await org.all('/referrals')).find(
      ({ friend: one }) => one.contact?.id === friend && one.contact.connectionId === orgId,
    );
    const { body } = await stack.api('GET', `/referrals/${referral.id}/contacts`);
    expect(body.items).toMatchObject([{ contact: { connectionId: portalId, id: copy }, evidence: 'email' }]);
  });

  test('a label that names the member’s contact in the other one names the same member', async () => {
    const email = address('member');
    const member = await enrolled(portal, email);
    const twin = org.person('Member', { email });
    const friend = org.friendOf(twin, 'Friend', { email: address('friend') });
    await stack.settle();
    const referral = (await org.all('/referrals')).find(
      ({ friend: { contact } }) => contact?.id === friend && contact.connectionId === orgId,
    );
    expect(referral.memberId).toBe(member.id);
    expect((await org.all('/members')).filter((one) => one.email === email)).toHaveLength(1);
    expect(org.show('contact', twin).wonward_code).toBe(member.code);
  });

  test('who refers themself across connections is declined', async () => {
    const email = address('member');
    const member = await enrolled(portal, email);
    const self = org.person('Member', { email, wonward_referral_code: member.code });
    await stack.settle();
    const deal = org.deal([self]);
    org.win(deal);
    await stack.settle();
    const referral = (await org.all('/referrals')).find(({ memberId }) => memberId === member.id);
    expect(referral).toMatchObject({ stage: 'declined', reason: { code: 'self_referral' } });
    expect(await rewardsOn(org, deal)).toEqual([]);
    await expectVerified();
  });

  test('an address that changes ends the tie from then on, and what was decided stays', async () => {
    const member = await enrolled(portal, address('member'));
    const email = address('friend');
    const friend = portal.person('Friend', { email, wonward_referral_code: member.code });
    await stack.settle();
    const copy = org.person('Friend', { email });
    const deal = org.deal([copy]);
    await stack.settle();
    org.win(deal);
    await stack.settle();
    expect(await rewardsOn(org, deal)).toEqual(PAID);
    org.edit('contact', copy, { email: address('somebody.else') });
    await stack.settle();
    const later = org.deal([copy]);
    org.win(later);
    await stack.settle();
    const referral = (await portal.all('/referrals')).find(
      ({ friend: one }) => one.contact?.id === friend && one.contact.connectionId === portalId,
    );
    const { body } = await stack.api('GET', `/referrals/${referral.id}/contacts`);
    expect(body.items).toMatchObject([{ contact: { connectionId: orgId, id: copy }, until: expect.any(String) }]);
    expect(await rewardsOn(org, deal)).toEqual(PAID);
    expect(await rewardsOn(org, later)).toEqual([]);
    org.reopen(deal);
    await stack.settle();
    expect(await rewardsOn(org, deal)).toEqual(['member clawed_back 100.00 EUR']);
    await expectVerified();
  });
});

describe('a deal that a sync tool copied', () => {
  beforeAll(() => policy(KEYED()));

  async function friendInBoth() {
    const member = await enrolled(portal, address('member'));
    const email = address('friend');
    const inPortal = portal.person('Friend', { email, wonward_referral_code: member.code });
    const inOrg = org.person('Friend', { email, wonward_referral_code: member.code });
    await stack.settle();
    const referrals = (await portal.all('/referrals')).filter(({ memberId }) => memberId === member.id);
    expect(referrals).toHaveLength(1);
    return { member, inPortal, inOrg, referralId: referrals[0].id as string };
  }

  test('is paid for once, where the source is, and the copy says why not', async () => {
    const { inPortal, inOrg, referralId, member } = await friendInBoth();
    const source = org.deal([inOrg]);
    const copy = portal.deal([inPortal], { source_id: source });
    await stack.settle();
    org.win(source);
    portal.win(copy);
    await stack.settle();
    expect(await rewardsOn(org, source)).toEqual(PAID);
    expect(await rewardsOn(portal, copy)).toEqual([]);
    const [decision] = await decisionsOn(portal, copy);
    expect(decision).toMatchObject({ outcome: 'skipped', reason: { code: 'decided_elsewhere' } });
    expect(decision.reason.text).toContain(`hubspot ${ORG}`);
    await stack.settle();
    expect(portal.show('deal', copy).wonward_reward_reason).toContain('Not decided here');
    const { body } = await stack.api('GET', `/referrals/${referralId}`);
    expect(body.stage).toBe('won');
    expect(portal.show('contact', member.contact).wonward_won_referrals).toBe('1');
    await expectVerified();
  });

  test.each(['copy first', 'source first'])('is paid for once whichever is won first: %s', async (order) => {
    const { inPortal, inOrg } = await friendInBoth();
    const source = org.deal([inOrg]);
    const copy = portal.deal([inPortal], { source_id: source });
    const wins = [() => portal.win(copy), () => org.win(source)];
    for (const win of order === 'copy first' ? wins : wins.toReversed()) {
      win();
      await stack.settle();
    }
    expect(await rewardsOn(org, source)).toEqual(PAID);
    expect(await rewardsOn(portal, copy)).toEqual([]);
    expect(await codesOn(portal, copy)).toEqual(['skipped decided_elsewhere']);
    await expectVerified();
  });

  test('does not take over when its source is deleted and its key is emptied', async () => {
    const { inPortal, inOrg, referralId } = await friendInBoth();
    const source = org.deal([inOrg]);
    const copy = portal.deal([inPortal], { source_id: source });
    org.win(source);
    portal.win(copy);
    await stack.settle();
    org.crm.deleteRecord(ORG, 'deal', source);
    await stack.settle();
    portal.edit('deal', copy, { source_id: '' });
    await noticed();
    expect(await rewardsOn(org, source)).toEqual(['member clawed_back 100.00 EUR']);
    expect(await rewardsOn(portal, copy)).toEqual([]);
    const { body } = await stack.api('GET', `/referrals/${referralId}`);
    expect(body.stage).not.toBe('won');
    await expectVerified();
  });

  test('and was paid for before its key came keeps its reward, and the source gets none beside it', async () => {
    const { inPortal, inOrg } = await friendInBoth();
    const copy = portal.deal([inPortal]);
    portal.win(copy);
    await stack.settle();
    expect(await rewardsOn(portal, copy)).toEqual(PAID);
    const source = org.deal([inOrg]);
    portal.edit('deal', copy, { source_id: source });
    await noticed();
    org.win(source);
    await stack.settle();
    expect(await rewardsOn(org, source)).toEqual([]);
    expect(await codesOn(org, source)).toEqual(['skipped rewarded_elsewhere']);
    expect(await rewardsOn(portal, copy)).toEqual(PAID);
    await expectVerified();
  });

  test('stays where it was rewarded when another connection becomes the source of truth', async () => {
    const { inPortal, inOrg } = await friendInBoth();
    const source = org.deal([inOrg]);
    const copy = portal.deal([inPortal], { source_id: source });
    org.win(source);
    portal.win(copy);
    await stack.settle();
    await policy({ deals: { ...KEYED().deals, decidedIn: portalId } });
    try {
      portal.edit('deal', copy, { dealname: 'Looked at again' });
      org.edit('deal', source, { dealname: 'Looked at again' });
      await stack.settle();
      expect(await rewardsOn(org, source)).toEqual(PAID);
      expect(await rewardsOn(portal, copy)).toEqual([]);
      const next = org.deal([inOrg]);
      const itsCopy = portal.deal([inPortal], { source_id: next });
      await stack.settle();
      org.win(next);
      portal.win(itsCopy);
      await stack.settle();
      expect(await rewardsOn(org, next)).toEqual([]);
      expect(await rewardsOn(portal, itsCopy)).toEqual(PAID);
      await expectVerified();
    } finally {
      await policy(KEYED());
    }
  });
});

test('people and deals of two accounts are never one, whatever they have in common', async () => {
  const member = await enrolled(portal, address('member'));
  const email = address('friend');
  const friend = portal.person('Friend', { email, wonward_referral_code: member.code });
  await stack.settle();
  const other = await stack.newAccount('Beta');
  const beta = createScene(stack, { portalId: BETA, apiKey: other.apiKey });
  await stack.install(BETA, other.apiKey);
  const twin = beta.person('Friend', { email, wonward_referral_code: member.code });
  const deal = beta.deal([twin]);
  beta.win(deal);
  const own = portal.deal([friend]);
  portal.win(own);
  await stack.settle();
  expect(await beta.all('/referrals')).toEqual([]);
  expect(await beta.all('/rewards')).toEqual([]);
  expect(await rewardsOn(portal, own)).toEqual(PAID);
  const { status, body } = await stack.api(
    'POST',
    '/connections-policies',
    { deals: { decidedIn: portalId, keys: { [portalId]: 'id', [orgId]: 'x' } } },
    other.apiKey,
  );
  expect([status, body.code]).toEqual([422, 'no_such_connection']);
  expect(body.errors).toContainEqual({
    field: 'deals.decidedIn',
    problem: 'must be the id of one of your connections',
  });
  await expectVerified();
});

test('a friend’s card shows the deals of both connections, and links to none of the other', async () => {
  const member = await enrolled(portal, address('member'));
  const email = address('friend');
  const friend = org.person('Friend', { email, wonward_referral_code: member.code });
  const here = portal.person('Friend', { email });
  const deal = org.deal([friend], { dealname: 'Won over there' });
  await stack.settle();
  org.win(deal);
  await stack.settle();
  const view = await portal.cardView(here);
  expect(view.role).toBe('friend');
  expect(view.referredBy).toMatchObject({ contactId: member.contact });
  expect(view.referrals).toMatchObject([
    { stage: 'won', deals: [{ name: 'Won over there', stageLabel: 'Closed Won' }] },
  ]);
  expect(view.referrals[0]?.deals[0]).not.toHaveProperty('url');
});

describe('a policy that a node with a wrong clock saves', () => {
  const HOUR = 3_600_000;
  const saved = async (body: Json, clockIsOffBy: number) => {
    const answer = parseConnectionsPolicy(body, [{ id: portalId }, { id: orgId }]);
    if (!answer.ok) throw new Error('no policy');
    const { identity } = stack.service.store;
    await identity.publish(stack.accountId, answer.policy, 'key', stack.clock.now() + clockIsOffBy);
  };
  async function wonWithKey(): Promise<string> {
    const member = await enrolled(portal, address('member'));
    const friend = portal.person('Friend', { email: address('friend'), wonward_referral_code: member.code });
    await stack.settle();
    const deal = portal.deal([friend], { source_id: `elsewhere ${people}` });
    portal.win(deal);
    await stack.settle();
    return deal;
  }

  test('accuses nothing that was decided by the one before it, and nothing that was decided by it', async () => {
    await policy(KEYED());
    const before = await wonWithKey();
    expect(await codesOn(portal, before)).toEqual(['skipped decided_elsewhere']);
    // An hour behind: by the times it would have been in force when the deal was decided on.
    await saved({}, -HOUR);
    await expectVerified();
    // An hour ahead: by the times it is not in force yet.
    await saved(KEYED(), HOUR);
    expect(await codesOn(portal, await wonWithKey())).toEqual(['skipped decided_elsewhere']);
    await expectVerified();
  });
});

describe('two deals that look like one and bear no key', () => {
  test('are put before a person instead of being paid twice', async () => {
    await policy({});
    const member = await enrolled(portal, address('member'));
    const email = address('friend');
    const inPortal = portal.person('Friend', { email, wonward_referral_code: member.code });
    const inOrg = org.person('Friend', { email });
    await stack.settle();
    const first = org.deal([inOrg]);
    org.win(first);
    await stack.settle();
    const second = portal.deal([inPortal]);
    portal.win(second);
    await stack.settle();
    expect(await rewardsOn(org, first)).toEqual(PAID);
    expect(await rewardsOn(portal, second)).toEqual(['member in_review 100.00 EUR']);
    const cases = (await portal.all('/cases')).filter(({ kind }) => kind === 'review');
    expect(cases.at(0)?.summary).toContain('may be the same one');
    const other = portal.deal([inPortal], { amount: '900.00' });
    portal.win(other);
    await stack.settle();
    expect(await rewardsOn(portal, other)).toEqual(['member issued 90.00 EUR']);
    await expectVerified();
  });
});
