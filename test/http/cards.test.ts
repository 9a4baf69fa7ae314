import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CardResponse } from '../../contracts/hubspot-card/card-view.generated.ts';
import { createAct } from '../../src/application/act.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { cardContractViolations } from '../contracts/card-schema.ts';
import { OLD_SECRET, type Story, signed, startHttp, type TestAccount, type TestService, tellStory } from './service.ts';

const PORTAL = '48000001';
const OTHER_PORTAL = '48000002';
let service: TestService;
let account: TestAccount;
let connectionId: string;
let story: Story;

beforeEach(async () => {
  service = await startHttp();
  account = await service.createAccount('Acme');
  connectionId = await account.connect(PORTAL);
  story = await tellStory(service, account.id, connectionId, systemClock.now());
});
afterEach(() => service.close());

const PATH = '/hubspot/cards/contact';
const MEMBER = '101';
const FRIEND = '102';

/** As HubSpot's proxy asks: the card's own query first, then who asks; all of it signed. */
function queryOf(objectId: string, { portalId = PORTAL, objectTypeId = '0-1', more = '' } = {}): string {
  return `?objectId=${objectId}&objectTypeId=${objectTypeId}${more}&userId=7&portalId=${portalId}&userEmail=rep%40acme.example&appId=4242`;
}

async function ask(query: string, headers = signed('GET', `${PATH}${query}`), of = service) {
  const response = await fetch(`${of.url}${PATH}${query}`, { headers });
  expect(response.headers.get('cache-control')).toBe('no-store');
  return { status: response.status, body: (await response.json()) as CardResponse, response };
}

async function askWell(query: string, of = service): Promise<CardResponse> {
  const { status, body } = await ask(query, undefined, of);
  expect(status).toBe(200);
  expect(cardContractViolations(body)).toEqual([]);
  return body;
}

describe('the card of a contact', () => {
  test('tells the story of a member and of a friend, as the contract has it', async () => {
    const member = await askWell(queryOf(MEMBER));
    expect(member).toMatchObject({
      ok: true,
      data: {
        role: 'member',
        member: { code: story.code, lastReward: { amount: '150.00', currency: 'EUR' } },
        referrals: [
          {
            direction: 'made',
            // Decided at the same moment, so in any order. What would have been paid is told and is no money.
            rewards: expect.arrayContaining([
              expect.objectContaining({ state: 'issued', money: { amount: '150.00', currency: 'EUR' } }),
              expect.objectContaining({
                state: 'skipped',
                money: null,
                reason: expect.objectContaining({ code: 'history' }),
              }),
            ]),
          },
        ],
      },
    });
    expect(await askWell(queryOf(FRIEND))).toMatchObject({
      ok: true,
      data: { role: 'friend', referredBy: { contactId: MEMBER }, referrals: [{ direction: 'received' }] },
    });
    expect(await askWell(queryOf('999'))).toMatchObject({ ok: true, data: { role: 'none', referrals: [] } });
  });

  test('goes on where a page ended, and shows every referral once', async () => {
    const act = createAct({ store: service.store, clock: systemClock, onAsked: () => {}, onUnplaced: () => {} });
    for (let index = 0; index < 24; index += 1) {
      await act.createReferral(account.id, {
        memberId: story.memberId,
        friend: { name: `Friend ${index}`, email: `friend-${index}@example.com`, contact: null },
      });
    }
    const seen: string[] = [];
    let more = '';
    do {
      const body = await askWell(queryOf(MEMBER, { more }));
      if (!body.ok) throw new Error(body.code);
      seen.push(...body.data.referrals.map(({ referralId }) => referralId));
      more = body.data.nextCursor === null ? '' : `&cursor=${body.data.nextCursor}`;
    } while (more !== '');
    expect(seen).toHaveLength(25);
    expect(new Set(seen).size).toBe(25);
  });

  test('is answered to the former secret while secrets are rotated', async () => {
    const query = queryOf(MEMBER);
    expect((await ask(query, signed('GET', `${PATH}${query}`, '', { secret: OLD_SECRET }))).status).toBe(200);
  });
});

describe('whose data a card shows', () => {
  beforeEach(async () => {
    const other = await service.createAccount('Other');
    await tellStory(service, other.id, await other.connect(OTHER_PORTAL), systemClock.now());
  });

  test('is decided by the signed portal alone', async () => {
    const mine = await askWell(queryOf(MEMBER));
    const theirs = await askWell(queryOf(MEMBER, { portalId: OTHER_PORTAL }));
    if (!mine.ok || !theirs.ok) throw new Error('not ok');
    expect(mine.data.member?.memberId).not.toBe(theirs.data.member?.memberId);
  });

  test.each([
    ['before', `?portalId=${OTHER_PORTAL}&objectId=101&objectTypeId=0-1&portalId=${PORTAL}`],
    ['behind', `?portalId=${PORTAL}&objectId=101&objectTypeId=0-1&portalId=${OTHER_PORTAL}`],
    ['spelled in escapes', `?%70ortalId=${OTHER_PORTAL}&objectId=101&objectTypeId=0-1&portalId=${PORTAL}`],
  ])('is nobody’s when the card’s code smuggles a second portal in, %s', async (_, query) => {
    expect(await askWell(query)).toMatchObject({ ok: false, code: 'invalid_request' });
  });

  test.each([
    ['array', `portalId[]=${OTHER_PORTAL}`],
    ['other case', `portalid=${OTHER_PORTAL}`],
  ])('does not follow a parameter that only looks like the portal (%s)', async (_, parameter) => {
    const mine = await askWell(queryOf(MEMBER));
    const body = await askWell(queryOf(MEMBER, { more: `&${parameter}` }));
    if (!mine.ok || !body.ok) throw new Error('not ok');
    expect(body.data.member).toEqual(mine.data.member);
  });

  test('does not follow headers', async () => {
    const query = queryOf(MEMBER);
    const headers = {
      ...signed('GET', `${PATH}${query}`),
      'x-hubspot-portal-id': OTHER_PORTAL,
      portalId: OTHER_PORTAL,
    };
    const { body } = await ask(query, headers);
    expect(body).toMatchObject({ ok: true, data: { member: { memberId: story.memberId } } });
  });
});

describe('a card that is asked for wrongly', () => {
  test.each([
    ['unsigned', () => ({})],
    ['signed for another contact', () => signed('GET', `${PATH}${queryOf(FRIEND)}`)],
    ['signed for another portal', () => signed('GET', `${PATH}${queryOf(MEMBER, { portalId: OTHER_PORTAL })}`)],
    ['signed with another secret', () => signed('GET', `${PATH}${queryOf(MEMBER)}`, '', { secret: 'guess' })],
    ['signed as a POST', () => signed('POST', `${PATH}${queryOf(MEMBER)}`)],
    [
      'signed ten minutes ago',
      () => signed('GET', `${PATH}${queryOf(MEMBER)}`, '', { at: systemClock.now() - 600_000 }),
    ],
  ])('is refused with 401 and shows nothing: %s', async (_, headers) => {
    const { status, body, response } = await ask(queryOf(MEMBER), headers());
    expect(status).toBe(401);
    expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(body).toMatchObject({ code: 'unsigned' });
    expect(JSON.stringify(body)).not.toContain(story.memberId);
  });

  test.each([
    ['no portal', '?objectId=101&objectTypeId=0-1'],
    ['a portal that is no number', queryOf(MEMBER, { portalId: 'x' })],
    ['no contact', '?objectTypeId=0-1&portalId=48000001'],
    ['a contact that is no number', queryOf('101%27--')],
    ['two contacts', queryOf(MEMBER, { more: '&objectId=102' })],
    ['a deal', queryOf(MEMBER, { objectTypeId: '0-3' })],
    ['a cursor that is none', queryOf(MEMBER, { more: '&cursor=abc' })],
    ['an empty cursor', queryOf(MEMBER, { more: '&cursor=' })],
    [
      'a cursor of another list',
      queryOf(MEMBER, { more: `&cursor=${Buffer.from('members 1 mem_a').toString('base64url')}` }),
    ],
  ])('since it has %s is told so with 200, which HubSpot passes on', async (_, query) => {
    expect(await askWell(query)).toMatchObject({
      ok: false,
      code: 'invalid_request',
      ref: expect.stringMatching(/^req_/),
    });
  });

  test('from a portal that is not connected, or no longer, says not_connected', async () => {
    expect(await askWell(queryOf(MEMBER, { portalId: '1' }))).toMatchObject({ ok: false, code: 'not_connected' });
    await account.post(`/connections/${connectionId}/disconnect`, {});
    expect(await askWell(queryOf(MEMBER))).toMatchObject({ ok: false, code: 'not_connected' });
  });

  test('while the database fails says unavailable with 200, and the log has the reference', async () => {
    const broken = await startHttp({ deps: { card: () => Promise.reject(new Error('SQLITE_BUSY')) } });
    const body = await askWell(queryOf(MEMBER), broken);
    expect(body).toMatchObject({ ok: false, code: 'unavailable' });
    expect(JSON.stringify(body)).not.toContain('SQLITE');
    const ref = body.ok ? '' : body.ref;
    expect(broken.lines()).toContainEqual(expect.objectContaining({ level: 'error', msg: 'request failed', ref }));
    await broken.close();
  });
});
