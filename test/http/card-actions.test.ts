import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ActionResponse, PeopleResponse } from '../../contracts/hubspot-card/card-view.generated.ts';
import { Fault } from '../../src/domain/errors.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { cardContractViolations } from '../contracts/card-schema.ts';
import { type Story, signed, startHttp, type TestAccount, type TestService, tellStory } from './service.ts';

const PORTAL = '48000001';
const OTHER_PORTAL = '48000002';
const ADA = '201';
const BOB = '202';
const REP = { id: '7', email: 'rep@acme.example' };

let service: TestService;
let account: TestAccount;
let connectionId: string;
let story: Story;
let keys = 0;

beforeEach(async () => {
  service = await startHttp();
  account = await service.createAccount('Acme');
  connectionId = await account.connect(PORTAL);
  story = await tellStory(service, account.id, connectionId, systemClock.now());
  service.crm.contacts.set(`${PORTAL} ${ADA}`, { name: 'Ada Lovelace', email: 'ada@example.com' });
  service.crm.contacts.set(`${PORTAL} ${BOB}`, { name: 'Bob Noyce', email: 'bob@example.com' });
});
afterEach(() => service.close());

const newKey = () => `key-of-the-click-${++keys}`;

function query({ portalId = PORTAL, user = REP, more = '' } = {}): string {
  return `?${more}userId=${user.id}&portalId=${portalId}&userEmail=${encodeURIComponent(user.email)}&appId=4242`;
}

async function post(action: string, body: object | string, of = query()) {
  const path = `/hubspot/cards/actions/${action}${of}`;
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const response = await fetch(`${service.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...signed('POST', path, text) },
    body: text,
  });
  expect(response.headers.get('cache-control')).toBe('no-store');
  return { status: response.status, body: (await response.json()) as ActionResponse };
}

async function act(action: string, body: object | string, of = query()): Promise<ActionResponse> {
  const { status, body: answer } = await post(action, body, of);
  expect(status).toBe(200);
  expect(cardContractViolations(answer, 'ActionResponse')).toEqual([]);
  return answer;
}

const refer = (more: object = {}) => ({
  key: newKey(),
  contactId: ADA,
  as: 'member',
  other: { contactId: BOB },
  ...more,
});

async function referrals() {
  const response = await account.call('/referrals');
  return ((await response.json()) as { items: { friend: { name: string | null }; memberId: string }[] }).items;
}

describe('an action of a card', () => {
  test('records a verbal referral between two contacts of the portal', async () => {
    expect(await act('refer', refer())).toMatchObject({ ok: true, code: 'created', result: { contactId: BOB } });
    expect((await referrals()).map(({ friend }) => friend.name)).toContain('Bob Noyce');
  });

  test('keeps which words the friend was told, as the rep says, and takes no version that nobody wrote', async () => {
    await account.post('/consent-texts', { purpose: 'friend', version: 0, texts: { en: 'We write to you once.' } });
    const path = `/hubspot/cards/contact${query({ more: `objectId=${ADA}&objectTypeId=0-1&` })}`;
    const card = await (await fetch(`${service.url}${path}`, { headers: signed('GET', path) })).json();
    expect(cardContractViolations(card)).toEqual([]);
    const { consent } = (card as { data: { consent: { version: number; language: string; text: string } } }).data;
    expect(consent).toEqual({ version: 1, language: 'en', text: 'We write to you once.' });
    const { version, language } = consent;
    const unknown = await act('refer', refer({ consent: { version: 2, language } }));
    expect(unknown).toMatchObject({ ok: false, code: 'no_such_consent_text' });
    const made = (await act('refer', refer({ consent: { version, language } }))) as { result: { referralId: string } };
    const told = await account.call(`/referrals/${made.result.referralId}/consents`);
    expect(((await told.json()) as { items: unknown[] }).items).toMatchObject([
      { purpose: 'friend', version: 1, place: 'card', text: 'We write to you once.' },
    ]);
  });

  test('records who referred the contact whose card it is', async () => {
    const claimed = await act('refer', refer({ contactId: BOB, as: 'friend', other: { contactId: ADA } }));
    expect(claimed).toMatchObject({ ok: true, code: 'created' });
    const member = await service.store.reads.memberByContact(account.id, { connectionId, object: 'contact', id: ADA });
    expect((await referrals()).find(({ friend }) => friend.name === 'Bob Noyce')?.memberId).toBe(member?.id);
  });

  test('makes a contact of a friend who is none, once, however often the same click arrives', async () => {
    const body = refer({ other: { firstName: 'Konrad', lastName: 'Zuse', email: null } });
    const before = (await referrals()).length;
    const answers = await Promise.all(Array.from({ length: 8 }, () => act('refer', body)));
    expect(new Set(answers.map((answer) => JSON.stringify({ ...answer, ref: undefined }))).size).toBe(1);
    expect(answers[0]).toMatchObject({ ok: true, code: 'created' });
    expect(await act('refer', body)).toEqual(answers[0]);
    expect(service.crm.created.size).toBe(1);
    expect((await referrals()).length).toBe(before + 1);
  });

  test('that failed while the CRM was away is done by the same click later, and makes one contact', async () => {
    const body = refer({ other: { firstName: 'Konrad', lastName: null, email: null } });
    let calls = 0;
    // The contact is made; the answer to the reading after it never comes.
    service.crm.before = async () => {
      calls += 1;
      if (calls === 2) throw new Fault('crm_unavailable', { kind: 'retry' }, 'HubSpot does not answer.');
    };
    expect(await act('refer', body)).toMatchObject({ ok: false, code: 'unavailable' });
    expect(await act('refer', body)).toMatchObject({ ok: true, code: 'created' });
    expect(service.crm.created.size).toBe(1);
  });

  test('under a key that stands for something else is refused', async () => {
    const key = newKey();
    await act('refer', refer({ key }));
    expect(await act('refer', refer({ key, other: { firstName: 'Else', lastName: null, email: null } }))).toMatchObject(
      {
        ok: false,
        code: 'key_used',
      },
    );
    expect(await act('share-link', { key, contactId: ADA })).toMatchObject({ ok: false, code: 'key_used' });
  });

  test('makes a member of whoever asks for a link, and has a message ready', async () => {
    const made = await act('share-link', { key: newKey(), contactId: BOB });
    expect(made).toMatchObject({ ok: true, result: { shareLink: expect.stringContaining('/r/') } });
    if (!made.ok) throw new Error(made.code);
    expect(made.result.invitation).toContain(made.result.shareLink);
  });

  test('opens a dispute in the name of the user whom HubSpot signed', async () => {
    const dispute = { key: newKey(), referralId: story.referralId, claim: 'wrong_amount', note: 'Two years.' };
    const opened = await act('dispute', dispute);
    if (!opened.ok) throw new Error(opened.code);
    const kept = await service.store.desk.get(account.id, opened.result.caseId ?? '');
    expect(kept?.case).toMatchObject({ topic: 'wrong_amount', openedBy: 'rep hubspot 7' });
  });

  test.each([
    ['themselves', () => refer({ other: { contactId: ADA } }), 'self_referral'],
    ['a contact that is not there', () => refer({ other: { contactId: '999' } }), 'no_such_contact'],
  ])('that refers %s is refused in words, with 200', async (_, body, code) => {
    expect(await act('refer', body())).toMatchObject({ ok: false, code });
  });

  test.each([
    ['a key that is too short', refer({ key: 'short' }), 'key'],
    ['no contact', refer({ contactId: 'x' }), 'contactId'],
    ['nobody on the other side', refer({ other: { firstName: '', lastName: ' ', email: '' } }), 'other'],
    ['an address that is none', refer({ other: { email: 'nobody' } }), 'other'],
    ['a field that nobody knows', refer({ portalId: OTHER_PORTAL }), 'body'],
    ['no JSON', '{', 'body'],
  ])('with %s is told which field is wrong', async (_, body, field) => {
    const answer = await act('refer', body);
    expect(answer).toMatchObject({ ok: false, code: 'invalid_request' });
    expect(answer.ok ? '' : answer.message).toContain(`${field}`);
  });
});

describe('who may act', () => {
  test('is everyone who sees a card, until an admin names people; by address or by id', async () => {
    const allow = (users: string[] | null) => account.put(`/connections/${connectionId}/card-actors`, { users });
    const ask = () => act('share-link', { key: newKey(), contactId: ADA });
    expect(await ask()).toMatchObject({ ok: true });
    for (const [users, isAllowed] of [
      [['somebody@else.example'], false],
      [[], false],
      [['  Rep@Acme.Example '], true],
      [['7'], true],
      [null, true],
    ] as const) {
      expect((await allow(users === null ? null : [...users])).status).toBe(200);
      expect(await ask()).toMatchObject(isAllowed ? { ok: true } : { ok: false, code: 'forbidden' });
    }
  });

  test('a reader who may not sees no buttons, finds nobody, and changes nothing', async () => {
    await account.put(`/connections/${connectionId}/card-actors`, { users: [] });
    const before = await referrals();
    const path = `/hubspot/cards/contact${query({ more: 'objectId=101&objectTypeId=0-1&' })}`;
    const card = await (await fetch(`${service.url}${path}`, { headers: signed('GET', path) })).json();
    expect(card).toMatchObject({ ok: true, data: { role: 'member', mayAct: false } });
    expect(await act('refer', refer())).toMatchObject({ ok: false, code: 'forbidden' });
    expect(await people('Ada')).toMatchObject({ ok: false, code: 'forbidden' });
    expect(await referrals()).toEqual(before);
    expect(service.crm.created.size).toBe(0);
  });

  test.each([
    ['a user of the card’s own beside HubSpot’s', 'userId=1&'],
    ['no user at all', null],
  ])('nobody may whom HubSpot did not name: %s', async (_, smuggled) => {
    const of =
      smuggled === null
        ? `?portalId=${PORTAL}&appId=4242`
        : query({ more: smuggled, user: { id: '7', email: 'a@b.c' } });
    expect(await act('refer', refer(), of)).toMatchObject({ ok: false, code: 'forbidden' });
  });

  test('an address that the card’s code adds is not the user’s', async () => {
    await account.put(`/connections/${connectionId}/card-actors`, { users: ['boss@acme.example'] });
    const of = query({ more: 'userEmail=boss%40acme.example&' });
    expect(await act('share-link', { key: newKey(), contactId: ADA }, of)).toMatchObject({
      ok: false,
      code: 'forbidden',
    });
  });
});

describe('whose data an action touches', () => {
  beforeEach(async () => {
    const other = await service.createAccount('Other');
    await other.connect(OTHER_PORTAL);
    service.crm.contacts.set(`${OTHER_PORTAL} 301`, { name: 'Foreign', email: 'foreign@example.com' });
  });

  test('is the signed portal’s: another one’s contacts and referrals are not there', async () => {
    expect(await act('refer', refer({ other: { contactId: '301' } }))).toMatchObject({
      ok: false,
      code: 'no_such_contact',
    });
    const dispute = { key: newKey(), referralId: story.referralId, claim: 'other', note: 'Mine?' };
    expect(await act('dispute', dispute, query({ portalId: OTHER_PORTAL }))).toMatchObject({
      ok: false,
      code: 'no_such_referral',
    });
    expect(await people('Foreign')).toEqual({ ok: true, people: [] });
    expect(await people('Foreign', query({ portalId: OTHER_PORTAL }))).toMatchObject({
      ok: true,
      people: [{ contactId: '301' }],
    });
  });

  test('is nobody’s when two portals are named, or one that is not connected', async () => {
    expect(await act('refer', refer(), query({ more: `portalId=${OTHER_PORTAL}&` }))).toMatchObject({
      ok: false,
      code: 'invalid_request',
    });
    expect(await act('refer', refer(), query({ portalId: '1' }))).toMatchObject({ ok: false, code: 'not_connected' });
  });

  test('the same key in two portals is two clicks', async () => {
    const key = newKey();
    service.crm.contacts.set(`${OTHER_PORTAL} ${ADA}`, { name: 'Another Ada', email: 'other-ada@example.com' });
    const mine = await act('share-link', { key, contactId: ADA });
    const theirs = await act('share-link', { key, contactId: ADA }, query({ portalId: OTHER_PORTAL }));
    if (!mine.ok || !theirs.ok) throw new Error('refused');
    expect(mine.result.memberId).not.toBe(theirs.result.memberId);
  });
});

describe('an action that HubSpot did not sign', () => {
  test.each([
    ['unsigned', (_path: string, _text: string) => ({})],
    ['signed for another body', (path: string) => signed('POST', path, '{}')],
    [
      'signed for another user',
      (path: string, text: string) => signed('POST', path.replace('userId=7', 'userId=8'), text),
    ],
    ['signed as a GET', (path: string, text: string) => signed('GET', path, text)],
  ])('is refused with 401 and does nothing: %s', async (_, headers) => {
    const path = `/hubspot/cards/actions/refer${query()}`;
    const text = JSON.stringify(refer());
    const before = await referrals();
    const response = await fetch(`${service.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers(path, text) },
      body: text,
    });
    expect(response.status).toBe(401);
    expect(await referrals()).toEqual(before);
  });
});

test('names and addresses of the people concerned are in no log line', async () => {
  await act('refer', refer({ other: { firstName: 'Konrad', lastName: 'Zuse', email: 'konrad@zuse.example' } }));
  expect(service.logText()).not.toMatch(/Konrad|Zuse|ada@example/);
  expect(service.logText()).toContain('card acted');
});

async function people(text: string, of = query()): Promise<PeopleResponse> {
  const path = `/hubspot/cards/people?q=${encodeURIComponent(text)}&${of.slice(1)}`;
  const response = await fetch(`${service.url}${path}`, { headers: signed('GET', path) });
  expect(response.status).toBe(200);
  const body = (await response.json()) as PeopleResponse;
  expect(cardContractViolations(body, 'PeopleResponse')).toEqual([]);
  return body;
}
