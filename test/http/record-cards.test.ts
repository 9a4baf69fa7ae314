import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CompanyCardResponse, DealCardResponse } from '../../contracts/hubspot-card/card-view.generated.ts';
import { EMPTY_PLAN } from '../../src/domain/plan.ts';
import type { ContactFacts, DealFacts } from '../../src/domain/record.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { cardContractViolations } from '../contracts/card-schema.ts';
import { type Story, signed, startHttp, type TestAccount, type TestService, tellStory } from './service.ts';

const PORTAL = '48000001';
const OTHER_PORTAL = '48000002';
const MEMBER = '101';
const FRIEND = '102';
const NOW = systemClock.now();

let service: TestService;
let account: TestAccount;
let connectionId: string;
let story: Story;

beforeEach(async () => {
  service = await startHttp();
  account = await service.createAccount('Acme');
  connectionId = await account.connect(PORTAL);
  story = await tellStory(service, account.id, connectionId, NOW - 60_000);
});
afterEach(() => service.close());

async function keep(...facts: (DealFacts | ContactFacts)[]): Promise<void> {
  const snapshots = facts.map((one) => ({ facts: one, readAt: NOW, basis: 0 }));
  const [result] = await service.store.cases.commit([
    { accountId: account.id, plan: EMPTY_PLAN, snapshots, restsOn: [], settles: [], erase: [] },
  ]);
  expect(result).toBe('committed');
}

function deal(id: string, more: Partial<DealFacts['history'][number]> = {}, contactIds = [FRIEND]): DealFacts {
  return {
    ref: { connectionId, object: 'deal', id },
    presence: 'present',
    name: `Deal ${id}`,
    history: [{ at: NOW, pipelineId: 'default', stageId: 'qualified', amount: '5000', currency: 'BHD', ...more }],
    contactIds,
    formerIds: [],
  };
}

async function ask<T>(kind: 'deal' | 'company', objectId: string, { portalId = PORTAL, more = '', type = '' } = {}) {
  const objectTypeId = type || (kind === 'deal' ? '0-3' : '0-2');
  const path = `/hubspot/cards/${kind}?objectId=${objectId}&objectTypeId=${objectTypeId}${more}&userId=7&portalId=${portalId}&userEmail=rep%40acme.example&appId=4242`;
  const response = await fetch(`${service.url}${path}`, { headers: signed('GET', path) });
  expect(response.status).toBe(200);
  const body = (await response.json()) as T;
  expect(cardContractViolations(body, kind === 'deal' ? 'DealCardResponse' : 'CompanyCardResponse')).toEqual([]);
  return body;
}

async function dealView(id: string) {
  const body = await ask<DealCardResponse>('deal', id);
  if (!body.ok) throw new Error(body.code);
  return body.data;
}

describe('the card of a deal', () => {
  test('tells what an open deal will trigger, for whom and when, before anything is decided', async () => {
    await service.store.connections.saveMapping(
      account.id,
      connectionId,
      'map_2',
      [
        {
          pipelineId: 'default',
          stageId: 'qualified',
          pipelineLabel: 'Sales',
          stageLabel: 'Qualified',
          stage: 'opportunity',
        },
      ],
      NOW,
    );
    await keep(deal('9100'));
    const view = await dealView('9100');
    expect(view).toMatchObject({
      stage: 'opportunity',
      deal: { name: 'Deal 9100', stageLabel: 'Qualified', syncedAt: new Date(NOW).toISOString() },
      referral: { referralId: story.referralId, member: { contactId: MEMBER }, friend: { contactId: FRIEND } },
      warnings: [],
      mayAct: true,
    });
    // The rule pays for the first deal only, and that was another one.
    expect(view.rewards).toMatchObject([
      { state: 'skipped', rewardId: null, reason: { code: 'other_deal_rewarded' }, wouldPay: null },
    ]);
  });

  test.each([
    ['no contact', () => deal('9002', {}, []), 'no_contact'],
    ['no amount', () => deal('9002', { amount: null }), 'amount_missing'],
    ['an amount that is none', () => deal('9002', { amount: '5.000,00' }), 'amount_unreadable'],
    ['no currency', () => deal('9002', { currency: null }), 'currency_missing'],
    ['a stage that nobody has mapped', () => deal('9002', { stageId: 'new-stage' }), 'stage_unmapped'],
  ])('warns of %s, and says what to do', async (_, facts, code) => {
    await keep(facts());
    const { warnings } = await dealView('9002');
    expect(warnings.map((warning) => warning.code)).toContain(code);
    for (const { remedy } of warnings) expect(remedy).not.toBe('');
  });

  test('of a referral whose program does not apply in the portal says so, and promises nothing', async () => {
    const before = await service.store.appSettings.newest(account.id, connectionId);
    const as = { basis: before?.version ?? 0, by: 'key', now: NOW };
    const kept = await service.store.appSettings.save(
      account.id,
      connectionId,
      { managers: [], programs: [], notifications: [], objects: 'off' },
      as,
    );
    const referral = await service.store.reads.referral(account.id, story.referralId);
    if (!referral || !kept) throw new Error('not kept');
    // As if it had begun after that, in another CRM of the account.
    const begun = { ...referral, submittedAt: kept.at, version: referral.version + 1 };
    await service.store.cases.commit([
      {
        accountId: account.id,
        plan: { ...EMPTY_PLAN, referrals: [begun] },
        snapshots: [],
        restsOn: [],
        settles: [],
        erase: [],
      },
    ]);
    await keep(deal('9004'));
    const view = await dealView('9004');
    expect(view.warnings.map(({ code }) => code)).toContain('program_not_chosen');
    expect(view.rewards.filter(({ state }) => state === 'expected')).toEqual([]);
  });

  test('warns of a rate that is missing where a reward is paid in another currency', async () => {
    const [version] = await service.store.programs.versions(account.id);
    if (!version) throw new Error('no program');
    const rules = version.rules.map((rule) => ({
      ...rule,
      amount: { kind: 'percent' as const, basisPoints: 500 },
      payIn: 'EUR',
    }));
    await service.store.programs.publish(account.id, { programId: 'default', name: 'Customers', rules }, NOW - 1);
    await keep(deal('9003'));
    expect((await dealView('9003')).warnings.map(({ code }) => code)).toContain('rate_missing');
  });

  test('of another portal, or of none that was read, is not there', async () => {
    await keep(deal('9100'));
    const other = await service.createAccount('Other');
    await other.connect(OTHER_PORTAL);
    for (const body of [
      await ask<DealCardResponse>('deal', '9100', { portalId: OTHER_PORTAL }),
      await ask<DealCardResponse>('deal', '1'),
    ])
      expect(body).toMatchObject({ ok: false, code: 'not_found' });
    expect(await ask<DealCardResponse>('deal', '9100', { type: '0-1' })).toMatchObject({ code: 'invalid_request' });
    expect(await ask<DealCardResponse>('deal', '9100', { more: `&portalId=${OTHER_PORTAL}` })).toMatchObject({
      code: 'invalid_request',
    });
  });
});

describe('the card of a company', () => {
  const person = (id: string, companyId: string | null): ContactFacts => ({
    ref: { connectionId, object: 'contact', id },
    presence: 'present',
    name: `Person ${id}`,
    email: `${id}@example.com`,
    usedCode: null,
    referredByIds: [],
    formerIds: [],
    company: companyId === null ? null : { id: companyId, properties: {} },
  });

  test('lists what its people referred and were referred for, from the side of the company', async () => {
    await keep(person(MEMBER, '7001'), person(FRIEND, '7002'));
    const out = await ask<CompanyCardResponse>('company', '7001');
    const into = await ask<CompanyCardResponse>('company', '7002');
    expect(out).toMatchObject({ ok: true, data: { contacts: 1, referrals: [{ direction: 'out' }] } });
    expect(into).toMatchObject({ ok: true, data: { referrals: [{ direction: 'in', member: { contactId: MEMBER } }] } });
    expect(await ask<CompanyCardResponse>('company', '7003')).toMatchObject({
      ok: true,
      data: { contacts: 0, referrals: [], nextCursor: null },
    });
  });

  test('says that the portal has not let Wonward read companies', async () => {
    const body = await ask<CompanyCardResponse>('company', '7001');
    expect(body).toMatchObject({ ok: true, data: { notice: expect.stringContaining('has not let Wonward read') } });
  });

  test('does not show another portal’s people, and no cursor of another list', async () => {
    await keep(person(MEMBER, '7001'));
    const other = await service.createAccount('Other');
    await other.connect(OTHER_PORTAL);
    expect(await ask<CompanyCardResponse>('company', '7001', { portalId: OTHER_PORTAL })).toMatchObject({
      data: { contacts: 0, referrals: [] },
    });
    const cursor = Buffer.from('card 1 ref_a').toString('base64url');
    expect(await ask<CompanyCardResponse>('company', '7001', { more: `&cursor=${cursor}` })).toMatchObject({
      code: 'invalid_request',
    });
  });
});

test('the QR code of a share link is a picture that another site may show; an unknown code has none', async () => {
  const response = await fetch(`${service.url}/r/${story.code}/qr.png`);
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('image/png');
  expect(response.headers.get('cross-origin-resource-policy')).toBe('cross-origin');
  expect((await fetch(`${service.url}/r/NOBODY-0000-0000/qr.png`)).status).toBe(404);
});
