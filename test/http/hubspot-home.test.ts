import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { HomeResponse } from '../../contracts/hubspot-home/home-view.generated.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { newCase } from '../conformance/store-desk.ts';
import { contractJudge } from '../contracts/contract-schema.ts';
import { signed, startHttp, type TestAccount, type TestService, tellStory } from './service.ts';

const PORTAL = '48000001';
const OTHER_PORTAL = '48000002';
const PATH = '/hubspot/home';
const judge = contractJudge('hubspot-home/home.schema.json');

let service: TestService;
let account: TestAccount;
let connectionId: string;

beforeEach(async () => {
  service = await startHttp();
  account = await service.createAccount('Acme');
  connectionId = await account.connect(PORTAL);
  await tellStory(service, account.id, connectionId, systemClock.now());
});
afterEach(() => service.close());

const queryOf = (portalId = PORTAL, more = '') =>
  `?userId=7&portalId=${portalId}&userEmail=rep%40acme.example&appId=4242${more}`;

async function ask(
  query = queryOf(),
  headers: Record<string, string> = signed('GET', `${PATH}${query}`),
  of = service,
) {
  const response = await fetch(`${of.url}${PATH}${query}`, { headers });
  expect(response.headers.get('cache-control')).toBe('no-store');
  return { status: response.status, body: (await response.json()) as HomeResponse };
}

async function home(query = queryOf(), of = service) {
  const { status, body } = await ask(query, undefined, of);
  expect(status).toBe(200);
  expect(judge(body)).toEqual([]);
  if (!body.ok) throw new Error(body.code);
  return body.data;
}

describe('the home page of a portal', () => {
  test('shows what has happened, as the contract has it', async () => {
    const { referrals, rewards, sync } = await home();
    expect(referrals).toMatchObject([{ stage: 'accepted' }]);
    expect(rewards).toMatchObject([{ state: 'issued', money: { amount: '150.00', currency: 'EUR' } }]);
    expect(rewards[0]?.reason).toMatch(/\.$/);
    expect(sync.state).not.toBe('off');
  });

  test('shows open cases, the most urgent first, and no decided ones', async () => {
    const { desk } = service.store;
    const now = systemClock.now();
    await desk.open(account.id, newCase('cas_low', { severity: 'low', openedAt: now }));
    await desk.open(account.id, newCase('cas_urgent', { severity: 'urgent', openedAt: now }));
    await desk.open(account.id, newCase('cas_done', { openedAt: now }));
    await desk.decide(account.id, 'cas_done', { outcome: 'resolved', by: 'key', why: 'x', at: now });
    const cases = (await home()).attention.filter(({ key }) => /^cas_(low|urgent|done)$/.test(key));
    expect(cases.map(({ key, severity }) => [key, severity])).toEqual([
      ['cas_urgent', 'urgent'],
      ['cas_low', 'low'],
    ]);
    expect(cases[0]).toMatchObject({
      title: 'Something unusual needs a look',
      why: 'The budget is nearly spent.',
      next: expect.stringContaining('It is with the reviewers, as cas_urgent.'),
      value: { amount: '25.00', currency: 'EUR' },
    });
  });

  test('lists ten cases and says that there are more', async () => {
    for (let index = 0; index < 12; index += 1)
      await service.store.desk.open(account.id, newCase(`cas_${index}`, { openedAt: systemClock.now() + index }));
    const { attention, hasMore } = await home();
    const cases = attention.filter(({ key }) => key.startsWith('cas_')).map(({ key }) => key);
    expect(cases).toHaveLength(10);
    expect(cases).toEqual(expect.arrayContaining(['cas_0', 'cas_6']));
    expect(cases).not.toContain('cas_11');
    expect(hasMore).toBe(true);
  });

  test('says what is missing before anything can be paid', async () => {
    const fresh = await service.createAccount('Fresh');
    await fresh.connect('48000009');
    const { attention } = await home(queryOf('48000009'));
    expect(attention.map(({ kind }) => kind)).toEqual(['program', 'mapping']);
  });

  test('of a pipeline in which nothing means won says so', async () => {
    const entry = {
      pipelineId: 'p',
      stageId: 's',
      pipelineLabel: 'Renewals',
      stageLabel: 'Open',
      stage: 'opportunity' as const,
    };
    await service.store.connections.saveMapping(account.id, connectionId, 'v', [entry], systemClock.now());
    expect((await home()).attention).toContainEqual(
      expect.objectContaining({ kind: 'mapping', title: 'No stage of “Renewals” means won' }),
    );
  });

  test('of a portal that is disconnected says how to connect it, and shows nobody', async () => {
    await account.post(`/connections/${connectionId}/disconnect`, {});
    const data = await home();
    expect(data).toMatchObject({
      attention: [{ kind: 'disconnected', severity: 'urgent' }],
      referrals: [],
      rewards: [],
      sync: { state: 'off' },
    });
    expect(JSON.stringify(data)).not.toContain('150.00');
  });

  test('of a portal that nobody connected is not_connected', async () => {
    const { status, body } = await ask(queryOf('1'));
    expect([status, body]).toMatchObject([
      200,
      { ok: false, code: 'not_connected', ref: expect.stringMatching(/^req_/) },
    ]);
    expect(judge(body)).toEqual([]);
  });
});

describe('whose home page it is', () => {
  test('is decided by the signed portal alone', async () => {
    const other = await service.createAccount('Other');
    await other.connect(OTHER_PORTAL);
    expect((await home(queryOf(OTHER_PORTAL))).rewards).toEqual([]);
    expect((await home()).rewards).toHaveLength(1);
  });

  test.each([
    ['two portals', queryOf(PORTAL, `&portalId=${OTHER_PORTAL}`)],
    ['no portal', '?userId=7'],
    ['a portal that is no number', queryOf('x')],
  ])('is nobody’s with %s', async (_, query) => {
    expect((await ask(query)).body).toMatchObject({ ok: false, code: 'invalid_request' });
  });

  test.each([
    ['unsigned', () => ({})],
    ['signed for another portal', () => signed('GET', `${PATH}${queryOf(OTHER_PORTAL)}`)],
    ['signed with another secret', () => signed('GET', `${PATH}${queryOf()}`, '', { secret: 'guess' })],
    ['signed ten minutes ago', () => signed('GET', `${PATH}${queryOf()}`, '', { at: systemClock.now() - 600_000 })],
  ])('is refused with 401: %s', async (_, headers) => {
    const { status, body } = await ask(queryOf(), headers() as Record<string, string>);
    expect([status, body]).toMatchObject([401, { code: 'unsigned' }]);
  });

  test('while the database fails is unavailable with 200, and the log has the reference', async () => {
    const broken = await startHttp({ deps: { home: () => Promise.reject(new Error('SQLITE_BUSY')) } });
    const { status, body } = await ask(queryOf(), undefined, broken);
    expect([status, body]).toMatchObject([200, { ok: false, code: 'unavailable' }]);
    expect(JSON.stringify(body)).not.toContain('SQLITE');
    await broken.close();
  });
});
