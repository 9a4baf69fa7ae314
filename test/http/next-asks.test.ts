import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type {
  ActionResponse,
  CardOk,
  CompanyCardOk,
  DealCardOk,
} from '../../contracts/hubspot-card/card-view.generated.ts';
import type { HomeOk } from '../../contracts/hubspot-home/home-view.generated.ts';
import type { SettingsOk } from '../../contracts/hubspot-settings/settings-view.generated.ts';
import { EMPTY_PLAN } from '../../src/domain/plan.ts';
import type { ContactFacts } from '../../src/domain/record.ts';
import { addDays } from '../../src/domain/time.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { cardContractViolations } from '../contracts/card-schema.ts';
import { contractJudge } from '../contracts/contract-schema.ts';
import { PUBLIC_URL, signed, startHttp, type TestAccount, type TestService, tellStory } from './service.ts';

const PORTAL = '48000001';
const OTHER_PORTAL = '48000002';
const REP = { id: '7', email: 'rep@acme.example' };
const MEMBER = '101';
const BUYER = '301';
const HOME = contractJudge('hubspot-home/home.schema.json');
const SETTINGS = contractJudge('hubspot-settings/settings.schema.json');

let service: TestService;
let account: TestAccount;
let connectionId: string;
let memberId: string;
let keys = 0;

beforeEach(async () => {
  service = await startHttp();
  account = await service.createAccount('Acme');
  connectionId = await account.connect(PORTAL);
  const now = systemClock.now();
  ({ memberId } = await tellStory(service, account.id, connectionId, now));
  const ref = (object: 'contact' | 'deal', id: string) => ({ connectionId, object, id });
  const contact = (id: string, name: string, more: Partial<ContactFacts> = {}): ContactFacts => ({
    ref: ref('contact', id) as ContactFacts['ref'],
    presence: 'present',
    name,
    email: `${id}@example.com`,
    usedCode: null,
    ownerUserIds: [REP.id],
    referredByIds: [],
    formerIds: [],
    ...more,
  });
  const bought = { customerSince: addDays(now, -12) };
  const facts = [
    contact(MEMBER, 'Grace Hopper', { traits: bought }),
    contact(BUYER, 'Ada Byron', { company: { id: '7001', properties: {} } }),
    contact('302', 'Another one’s', { traits: bought, ownerUserIds: ['8'] }),
    contact('303', 'Unsubscribed', { traits: bought, hasOptedOut: true }),
    contact('304', 'Bought nothing'),
    contact('305', 'Gone', { traits: bought, presence: 'deleted' }),
    contact('306', 'Second best', { traits: { customerSince: addDays(now, -80) } }),
    {
      ref: ref('deal', '9301'),
      presence: 'present' as const,
      name: 'Engine',
      history: [
        { at: addDays(now, -5), pipelineId: 'default', stageId: 'closedwon', amount: '10.00', currency: 'EUR' },
      ],
      contactIds: [BUYER],
      formerIds: [],
    },
  ];
  const snapshots = facts.map((one) => ({ facts: one, readAt: now, basis: 0 }));
  const commit = { plan: EMPTY_PLAN, snapshots, restsOn: [], settles: [], erase: [] };
  expect(await service.store.cases.commit([{ accountId: account.id, ...commit }])).toEqual(['committed']);
});
afterEach(() => service.close());

const newKey = () => `key-of-the-click-${++keys}`;

function whoAsks({ portalId = PORTAL, user = REP as { id: string; email: string } | null } = {}): string {
  const named = user === null ? '' : `userId=${user.id}&userEmail=${encodeURIComponent(user.email)}&`;
  return `${named}portalId=${portalId}&appId=4242`;
}

async function get<T>(path: string, judge: (body: unknown) => readonly string[]): Promise<T> {
  const response = await fetch(`${service.url}${path}`, { headers: signed('GET', path) });
  expect(response.status).toBe(200);
  const body: unknown = await response.json();
  expect(judge(body)).toEqual([]);
  return (body as { data: T }).data;
}

const home = (who = whoAsks()) => get<HomeOk['data']>(`/hubspot/home?${who}`, HOME);
const contactCard = (id: string, who = whoAsks()) =>
  get<CardOk['data']>(`/hubspot/cards/contact?objectId=${id}&objectTypeId=0-1&${who}`, cardContractViolations);
const companyCard = (id: string, who = whoAsks()) =>
  get<CompanyCardOk['data']>(`/hubspot/cards/company?objectId=${id}&objectTypeId=0-2&${who}`, (body) =>
    cardContractViolations(body, 'CompanyCardResponse'),
  );
const dealCard = (id: string, who = whoAsks()) =>
  get<DealCardOk['data']>(`/hubspot/cards/deal?objectId=${id}&objectTypeId=0-3&${who}`, (body) =>
    cardContractViolations(body, 'DealCardResponse'),
  );

async function asked(body: object, who = whoAsks()): Promise<ActionResponse> {
  const path = `/hubspot/cards/actions/asked?${who}`;
  const text = JSON.stringify(body);
  const headers = { 'content-type': 'application/json', ...signed('POST', path, text) };
  const response = await fetch(`${service.url}${path}`, { method: 'POST', headers, body: text });
  expect(response.status).toBe(200);
  const answer = (await response.json()) as ActionResponse;
  expect(cardContractViolations(answer, 'ActionResponse')).toEqual([]);
  return answer;
}

const names = (asks: readonly { readonly name: string }[] | undefined) => asks?.map(({ name }) => name);

describe('whom a rep could ask next', () => {
  test('is told on the home page: their own contacts, the best first, each with its reason and every input', async () => {
    const { asks } = await home();
    expect(names(asks)).toEqual(['Ada Byron', 'Second best']);
    expect(asks?.[0]).toMatchObject({
      contactId: BUYER,
      verdict: 'now',
      sentence: 'Ask Ada Byron now: they bought 5 days ago and they have never been asked.',
    });
    expect(asks?.[0]?.inputs).toHaveLength(10);
    expect(names((await home(whoAsks({ user: { id: '8', email: 'x@acme.example' } }))).asks)).toEqual([
      'Another one’s',
    ]);
    expect(names((await home(whoAsks({ user: { id: '9', email: 'x@acme.example' } }))).asks)).toEqual([]);
    // Whose contacts they are nobody knows of somebody whom HubSpot did not name.
    expect((await home(whoAsks({ user: null }))).asks).toBeUndefined();
  });

  test('is told on a company of its people alone', async () => {
    expect(names((await companyCard('7001')).asks)).toEqual(['Ada Byron']);
    expect(names((await companyCard('7002')).asks)).toEqual([]);
  });

  test('is told on each contact, with what stops it', async () => {
    expect((await contactCard(BUYER)).ask).toMatchObject({ verdict: 'now' });
    expect((await contactCard(MEMBER)).ask).toMatchObject({
      verdict: 'later',
      sentence:
        'Not now: a dispute about a referral of theirs is open and a referral of theirs is under way. Tell them how it goes instead.',
    });
    expect((await contactCard('303')).ask).toMatchObject({ verdict: 'no' });
    expect((await contactCard('304')).ask?.sentence).toBe('Not now: they have not bought anything yet.');
    expect((await contactCard('302')).ask?.sentence).toContain('although it is the contact of somebody else');
    expect((await contactCard('999')).ask).toBeUndefined();
    expect((await contactCard('305')).ask).toBeUndefined();
  });

  test('is nothing of another account, and nothing without a program', async () => {
    const other = await service.createAccount('Other');
    const theirs = await other.connect(OTHER_PORTAL);
    expect((await home(whoAsks({ portalId: OTHER_PORTAL }))).asks).toBeUndefined();
    await tellStory(service, other.id, theirs, systemClock.now());
    expect((await home(whoAsks({ portalId: OTHER_PORTAL }))).asks).toEqual([]);
    expect((await contactCard(BUYER, whoAsks({ portalId: OTHER_PORTAL }))).ask).toBeUndefined();
  });

  test('whoever was asked is proposed to nobody for a quarter, once for each click', async () => {
    const body = { key: newKey(), contactId: BUYER, way: 'copied' };
    const answers = await Promise.all([asked(body), asked(body)]);
    expect(answers[0]).toMatchObject({ ok: true, code: 'noted', result: { contactId: BUYER } });
    expect(answers[1]).toEqual(answers[0]);
    expect(names((await home()).asks)).toEqual(['Second best']);
    const { ask } = await contactCard(BUYER);
    expect(ask).toMatchObject({ verdict: 'later', sentence: 'Not now: they were asked today.' });
    expect(ask?.from).toBeDefined();
    const of = { id: connectionId, accountId: account.id };
    expect((await service.store.asks.lastAsked(of, [BUYER])).size).toBe(1);
  });

  test('an ask is refused for a contact of nobody, of another portal, in an unknown way, or by who may not act', async () => {
    expect(await asked({ key: newKey(), contactId: '999', way: 'email' })).toMatchObject({ code: 'no_such_contact' });
    const other = await service.createAccount('Other');
    await other.connect(OTHER_PORTAL);
    const theirs = whoAsks({ portalId: OTHER_PORTAL });
    expect(await asked({ key: newKey(), contactId: BUYER, way: 'email' }, theirs)).toMatchObject({
      code: 'no_such_contact',
    });
    expect(await asked({ key: newKey(), contactId: BUYER, way: 'pigeon' })).toMatchObject({
      code: 'invalid_request',
      message: expect.stringMatching(/^way: /),
    });
    await service.store.connections.setCardActors(account.id, connectionId, ['boss@acme.example']);
    expect(await asked({ key: newKey(), contactId: BUYER, way: 'email' })).toMatchObject({ code: 'forbidden' });
    expect(names((await home()).asks)).toEqual(['Ada Byron', 'Second best']);
  });
});

describe('who may not act', () => {
  test('reads why, and whom to ask', async () => {
    expect((await contactCard(MEMBER)).whyNot).toBeUndefined();
    await service.store.connections.setCardActors(account.id, connectionId, [
      '9',
      'a@acme.example',
      'b@acme.example',
      'c@acme.example',
      'd@acme.example',
    ]);
    const { mayAct, whyNot } = await contactCard(MEMBER);
    expect(mayAct).toBe(false);
    expect(whyNot).toBe(
      'You may look at referrals here, and not act on them. a@acme.example, b@acme.example, c@acme.example and others may: ask one of them, or an admin of Wonward to add you.',
    );
    expect((await dealCard('9301')).whyNot).toBe(whyNot);
    expect((await contactCard(MEMBER, whoAsks({ user: null }))).whyNot).toContain('did not say who you are');
    await service.store.connections.setCardActors(account.id, connectionId, ['9']);
    expect((await contactCard(MEMBER)).whyNot).toContain('An admin of Wonward chooses who may.');
    const settings = await get<SettingsOk['data']>(`/hubspot/settings?${whoAsks()}`, SETTINGS);
    expect(settings.actors).toEqual(['9']);
  });
});

describe('links into the console', () => {
  test('lead from cards, home and settings to the page of what they show', async () => {
    const at = (path: string) => `${PUBLIC_URL}/console/${account.id}/${path}`;
    const card = await contactCard(MEMBER);
    expect(card.member?.consoleUrl).toBe(at(`members/${memberId}`));
    const [referral] = card.referrals;
    expect(referral?.consoleUrl).toBe(at(`referrals/${referral?.referralId}`));
    const settings = await get<SettingsOk['data']>(`/hubspot/settings?${whoAsks()}`, SETTINGS);
    expect([settings.connection, settings.mapping, settings.programs[0]].map((one) => one?.consoleUrl)).toEqual([
      at(`connections/${connectionId}/health`),
      at(`connections/${connectionId}/mapping`),
      at('programs/default'),
    ]);
    expect((await home()).healthUrl).toBe(at(`connections/${connectionId}/health`));
  });
});
