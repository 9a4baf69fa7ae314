import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { SettingsResponse } from '../../contracts/hubspot-settings/settings-view.generated.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { contractJudge } from '../contracts/contract-schema.ts';
import { INSTALLER, signed, startHttp, type TestAccount, type TestService } from './service.ts';

const PORTAL = '48000001';
const OTHER_PORTAL = '48000002';
const VIEWER = '7009';
const PATH = '/hubspot/settings';
const judge = contractJudge('hubspot-settings/settings.schema.json');
const STAGES = ['open', 'won'].map((id) => ({
  pipelineId: 'p',
  stageId: id,
  pipelineLabel: 'Sales',
  stageLabel: id,
  stage: id === 'won' ? ('won' as const) : ('opportunity' as const),
}));

let service: TestService;
let account: TestAccount;
let connectionId: string;

beforeEach(async () => {
  service = await startHttp();
  account = await service.createAccount('Acme');
  connectionId = await account.connect(PORTAL);
  await service.store.connections.saveMapping(account.id, connectionId, 'v1', STAGES, systemClock.now());
});
afterEach(() => service.close());

interface Asked {
  readonly userId?: string;
  readonly portalId?: string;
  readonly query?: string;
  readonly headers?: Record<string, string>;
}

/** As HubSpot's proxy asks: who asks is in the query, and all of it is signed with the body. */
async function ask(change: string | null, body: object = {}, asked: Asked = {}) {
  const { userId = INSTALLER, portalId = PORTAL } = asked;
  const query = asked.query ?? `?userId=${userId}&portalId=${portalId}&userEmail=a%40acme.example&appId=4242`;
  const path = `${change === null ? PATH : `${PATH}/${change}`}${query}`;
  const method = change === null ? 'GET' : 'POST';
  const text = change === null ? '' : JSON.stringify(body);
  const response = await fetch(`${service.url}${path}`, {
    method,
    headers: {
      ...(change === null ? {} : { 'content-type': 'application/json' }),
      ...(asked.headers ?? signed(method, path, text)),
    },
    ...(change === null ? {} : { body: text }),
  });
  const answer = (await response.json()) as SettingsResponse;
  if (response.status === 200) expect(judge(answer)).toEqual([]);
  return { status: response.status, answer };
}

async function settings(asked: Asked = {}) {
  const { answer } = await ask(null, {}, asked);
  if (!answer.ok) throw new Error(answer.code);
  return answer.data;
}

const rule = {
  key: 'member-won',
  name: 'Member won',
  party: 'member' as const,
  amount: { kind: 'fixed' as const, money: { minor: 1_000n, currency: 'EUR' } },
  conditions: [],
  holdDays: 0,
  payout: 'credit',
};
const LOST = { pipelineId: 'p', stageId: 'open', stage: 'lost' };

describe('the settings of a portal', () => {
  test('show the connection, what stages mean, and who may change it, as the contract has it', async () => {
    expect(await settings()).toMatchObject({
      mayChange: true,
      connection: { state: 'connected', portalId: PORTAL },
      mapping: {
        version: 'v1',
        pipelines: [
          {
            label: 'Sales',
            hasWon: true,
            stages: [{ id: 'open', stage: 'opportunity', isSaid: false }, { id: 'won' }],
          },
        ],
      },
    });
  });

  test('keep what an admin says of stages; the same again changes nothing', async () => {
    const body = { version: 'v1', stages: [LOST] };
    const [first, again] = [await ask('mapping', body), await ask('mapping', body)];
    expect(first.answer).toMatchObject({
      ok: true,
      data: { mapping: { pipelines: [{ stages: [{ stage: 'lost', byMetadata: 'opportunity', isSaid: true }, {}] }] } },
    });
    if (!first.answer.ok || !again.answer.ok) throw new Error('refused');
    expect(again.answer.data.mapping).toEqual(first.answer.data.mapping);
  });

  test('tell who comes second with another word that the first one’s holds', async () => {
    await ask('mapping', { version: 'v1', stages: [LOST] });
    const second = await ask('mapping', { version: 'v1', stages: [{ ...LOST, stage: 'qualified' }] });
    expect(second.answer).toMatchObject({ ok: false, code: 'changed' });
    expect((await settings()).mapping.pipelines[0]?.stages[0]?.stage).toBe('lost');
  });

  test('keep what several send at once a single time, and of two words one', async () => {
    const said = (stage: string) => ask('mapping', { version: 'v1', stages: [{ ...LOST, stage }] });
    const same = await Promise.all(Array.from({ length: 6 }, () => said('lost')));
    for (const { answer } of same) expect(answer).toMatchObject({ ok: true });
    const { version } = (await settings()).mapping;
    const other = (stage: string) => ask('mapping', { version, stages: [{ ...LOST, stage }] });
    const codes = (await Promise.all([other('won'), other('qualified')])).map(({ answer }) =>
      answer.ok ? 'said' : answer.code,
    );
    expect(codes.sort()).toEqual(['changed', 'said']);
  });

  test('keep which programs apply, from then on: cards and workflows offer those, and who was referred before stays', async () => {
    const rules = [rule];
    // One after the other also where both are published within a millisecond.
    for (const [index, programId] of ['old', 'new'].entries())
      await service.store.programs.publish(
        account.id,
        { programId, name: programId, rules },
        systemClock.now() + index,
      );
    const [before] = [await settings()];
    expect(before).toMatchObject({ settingsVersion: 1, everyProgram: true });
    expect(before.programs.map(({ id, isChosen, isOpen }) => [id, isChosen, isOpen])).toEqual([
      ['old', true, false],
      ['new', true, true],
    ]);
    const body = { version: 1, programs: ['old'] };
    const [first, again] = [await ask('programs', body), await ask('programs', body)];
    for (const { answer } of [first, again])
      expect(answer).toMatchObject({
        ok: true,
        data: {
          settingsVersion: 2,
          everyProgram: false,
          programs: [
            { id: 'old', isChosen: true, isOpen: true },
            { id: 'new', isChosen: false, isOpen: false },
          ],
        },
      });
    expect((await ask('programs', { version: 1, programs: [] })).answer).toMatchObject({ ok: false, code: 'changed' });
    expect((await ask('programs', { version: 2, programs: ['none'] })).answer).toMatchObject({
      ok: false,
      code: 'invalid_request',
    });
    const kept = await service.store.appSettings.newest(account.id, connectionId);
    expect(kept).toMatchObject({ by: `crm user ${INSTALLER}`, settings: { managers: [INSTALLER], programs: ['old'] } });

    const member = await account.post('/members', { email: 'ada@acme.example' });
    const { id: memberId } = (await member.json()) as { id: string };
    const refer = async (friend: object) =>
      (await (await account.post('/referrals', { memberId, friend })).json()) as { programId?: string; code?: string };
    const contact = (id: string) => ({ contact: { connectionId, id } });
    expect(await refer(contact('501'))).toMatchObject({ programId: 'old' });
    expect(await refer({ email: 'bob@acme.example' })).toMatchObject({ programId: 'new' });
    await ask('programs', { version: 2, programs: [] });
    expect(await refer(contact('502'))).toMatchObject({ code: 'no_program' });
  });

  test('keep what HubSpot gets a task for and whose it is; the same again changes nothing', async () => {
    const body = { version: 1, notices: [{ notice: 'review_due', ownerId: '41629779' }] };
    const [first, again] = [await ask('notices', body), await ask('notices', body)];
    for (const { answer } of [first, again]) {
      if (!answer.ok) throw new Error(answer.code);
      expect(answer.data.settingsVersion).toBe(2);
      expect(answer.data.notices.filter(({ isTask }) => isTask)).toEqual([
        { notice: 'review_due', isTask: true, ownerId: '41629779' },
      ]);
    }
    expect((await ask('notices', { version: 1, notices: [] })).answer).toMatchObject({ ok: false, code: 'changed' });
    const wrong = [{ notice: 'weekly', ownerId: null }];
    expect((await ask('notices', { version: 2, notices: wrong })).answer).toMatchObject({
      ok: false,
      code: 'invalid_request',
    });
    // What is set beside it stays.
    expect(await settings()).toMatchObject({ mayChange: true, everyProgram: true });
  });

  test('give a manager a link to consent anew, also when the portal is disconnected', async () => {
    await account.post(`/connections/${connectionId}/disconnect`, {});
    expect(await settings()).toMatchObject({ connection: { state: 'disconnected' }, mayChange: true });
    const { answer } = await ask('reconnect');
    expect(answer).toMatchObject({
      ok: true,
      data: { reconnectUrl: expect.stringMatching(/^https:\/\/app\.hubspot\.com\/oauth/) },
    });
  });
});

describe('who may change settings', () => {
  test.each(['mapping', 'programs', 'notices', 'reconnect'])(
    'is asked by the service: a viewer is refused %s',
    async (change) => {
      const body = {
        mapping: { version: 'v1', stages: [LOST] },
        programs: { version: 1, programs: [] },
        notices: { version: 1, notices: [] },
        reconnect: {},
      }[change];
      const { status, answer } = await ask(change, body, { userId: VIEWER });
      expect([status, answer]).toMatchObject([200, { ok: false, code: 'forbidden' }]);
      expect(JSON.stringify(answer)).not.toContain('oauth');
      expect(await settings()).toMatchObject({ mapping: { version: 'v1' } });
    },
  );

  test('a viewer sees what is set, and that it is not theirs to change', async () => {
    expect(await settings({ userId: VIEWER })).toMatchObject({
      mayChange: false,
      whoMay: expect.stringContaining('You may look.'),
      mapping: { version: 'v1' },
    });
  });

  test('somebody whom the account has named may, from then on', async () => {
    const named = { version: 1, managers: [INSTALLER, VIEWER] };
    expect((await account.put(`/connections/${connectionId}/app-settings`, named)).status).toBe(200);
    expect((await ask('reconnect', {}, { userId: VIEWER })).answer.ok).toBe(true);
  });

  test.each([
    ['a second user', `?userId=${INSTALLER}&portalId=${PORTAL}&userId=${VIEWER}`],
    ['no user', `?portalId=${PORTAL}`],
    ['a user that is no number', `?userId=admin&portalId=${PORTAL}`],
  ])('is nobody with %s in the address, also when HubSpot has signed it', async (_, query) => {
    expect((await ask('reconnect', {}, { query })).answer).toMatchObject({ ok: false, code: 'forbidden' });
  });

  test('the manager of one portal is nobody in another', async () => {
    const other = await service.createAccount('Other');
    const id = await other.connect(OTHER_PORTAL);
    const none = { version: 1, managers: [] };
    expect((await other.put(`/connections/${id}/app-settings`, none)).status).toBe(200);
    expect((await ask('reconnect', {}, { portalId: OTHER_PORTAL })).answer).toMatchObject({ code: 'forbidden' });
    expect((await settings({ portalId: OTHER_PORTAL })).mapping.version).not.toBe('v1');
  });
});

describe('referrals and rewards as objects', () => {
  test('are off, cannot be turned on where HubSpot has not granted what they need, and say so', async () => {
    expect((await settings()).objects).toEqual({
      state: 'off',
      isGranted: false,
      words: expect.stringContaining('HubSpot has not granted what they need'),
    });
    const { settingsVersion: version } = await settings();
    const { answer } = await ask('objects', { version, isOn: true });
    expect(answer).toMatchObject({
      ok: false,
      code: 'invalid_request',
      message: expect.stringContaining('Enterprise'),
    });
    expect((await settings()).objects.state).toBe('off');
    // What is off is off.
    expect((await ask('objects', { version, isOn: false })).answer).toMatchObject({ ok: true });
  });

  test('are a manager’s to choose', async () => {
    const asked = { userId: VIEWER };
    const { answer } = await ask('objects', { version: 1, isOn: true }, asked);
    expect(answer).toMatchObject({ ok: false, code: 'forbidden' });
  });
});

describe('a change that is asked for wrongly', () => {
  const query = `?userId=${INSTALLER}&portalId=${PORTAL}`;
  const body = { version: 'v1', stages: [LOST] };

  test.each<[string, Record<string, string>]>([
    ['unsigned', {}],
    ['signed with another body', signed('POST', `${PATH}/mapping${query}`, '{}')],
    [
      'signed for another user',
      signed('POST', `${PATH}/mapping?userId=${VIEWER}&portalId=${PORTAL}`, JSON.stringify(body)),
    ],
    ['signed for another change', signed('POST', `${PATH}/reconnect${query}`, JSON.stringify(body))],
    [
      'signed with another secret',
      signed('POST', `${PATH}/mapping${query}`, JSON.stringify(body), { secret: 'guess' }),
    ],
  ])('is refused with 401: %s', async (_, headers) => {
    expect((await ask('mapping', body, { query, headers })).status).toBe(401);
    expect((await settings()).mapping.version).toBe('v1');
  });

  test.each<[string, string, object]>([
    ['a stage that is none', 'mapping', { version: 'v1', stages: [{ ...LOST, stage: 'closedwon' }] }],
    ['a stage of no pipeline', 'mapping', { version: 'v1', stages: [{ ...LOST, stageId: 'gone' }] }],
    ['no version', 'mapping', { stages: [] }],
    ['more than is asked for', 'mapping', { ...body, managers: ['1'] }],
    ['a list', 'mapping', []],
    ['neither on nor off', 'objects', { version: 1, isOn: 'yes' }],
    ['something where nothing is asked for', 'reconnect', { portalId: OTHER_PORTAL }],
  ])('is told so with 200, which HubSpot passes on: %s', async (_, change, wrong) => {
    expect((await ask(change, wrong)).answer).toMatchObject({ ok: false, code: 'invalid_request' });
  });

  test('of a portal that nobody connected is not_connected', async () => {
    expect((await ask(null, {}, { portalId: '1' })).answer).toMatchObject({ ok: false, code: 'not_connected' });
    expect((await ask('mapping', body, { portalId: '1' })).answer).toMatchObject({ ok: false, code: 'not_connected' });
  });
});
