import { createHmac } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { PayoutSettings } from '../../src/application/ports/payout.ts';
import { fromSettings as credit } from '../../src/payout/credit/provider.ts';
import { fromSettings as tremendous } from '../../src/payout/tremendous/provider.ts';
import { startHttp, type TestAccount, type TestService } from './service.ts';

const KEY = 'webhook private key';

let service: TestService;
let account: TestAccount;
beforeEach(async () => {
  const settings: PayoutSettings = {
    rewardWebhook: null,
    localProviders: {},
    allowPrivateDestinations: false,
    now: Date.now,
    randomBytes: (length) => new Uint8Array(length),
    seal: { seal: (text) => text, open: (text) => text },
    coupons: {} as PayoutSettings['coupons'],
    batches: {} as PayoutSettings['batches'],
  };
  const providers = new Map([
    ['tremendous', tremendous(settings)],
    ['credit', credit()],
  ]);
  service = await startHttp({ providers });
  account = await service.createAccount('A');
  const values = { apiKey: 'k', campaignId: 'c', webhookKey: KEY };
  expect(await service.payoutAccounts.configure(account.id, 'tremendous', new Map(Object.entries(values)))).toEqual({
    ok: true,
  });
});
afterEach(() => service.close());

const event = (uuid = 'e1') =>
  JSON.stringify({
    event: 'REWARDS.CANCELED',
    uuid,
    created_utc: '2026-11-22T00:00:00.000Z',
    payload: { resource: { id: 'TRM1', type: 'rewards' } },
  });

function post(
  body: string,
  { key = KEY, to = '', headers = {} }: { key?: string; to?: string; headers?: Record<string, string> } = {},
) {
  const signature = `sha256=${createHmac('sha256', key).update(body).digest('hex')}`;
  return fetch(`${service.url}/webhooks/payouts/${to || `tremendous/${account.id}`}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'tremendous-webhook-signature': signature, ...headers },
    body,
  });
}

describe('POST /webhooks/payouts/:provider/:accountId', () => {
  test('keeps signed news once and says so; what is no news is answered with 200 too', async () => {
    const first = await post(event());
    expect([first.status, await first.json()]).toEqual([200, { accepted: 1, duplicates: 0 }]);
    expect(await (await post(event())).json()).toEqual({ accepted: 0, duplicates: 1 });
    const other = await post(event('e2').replace('REWARDS.CANCELED', 'INVOICES.PAID'));
    expect([other.status, await other.json()]).toEqual([200, { accepted: 0, duplicates: 0 }]);
    expect(await service.store.payoutRecords.waitingNews(account.id, 'tremendous', null, 9)).toHaveLength(1);
  });

  test('tells a stranger nothing: a wrong signature, another account, an unknown one and every other provider are answered alike', async () => {
    const other = await service.createAccount('B');
    const answers = await Promise.all([
      post(event(), { key: 'wrong' }),
      post(event(), { headers: { 'tremendous-webhook-signature': '' } }),
      post(event(), { to: `tremendous/${other.id}` }),
      post(event(), { to: 'tremendous/acc_nobody' }),
      post(event(), { to: `credit/${account.id}` }),
      post(event(), { to: `nothing/${account.id}` }),
      post(event(), { to: `tremendous/${encodeURIComponent("'; drop")}` }),
    ]);
    const told = await Promise.all(
      answers.map(async (answer) => {
        const { ref: _, ...problem } = (await answer.json()) as Record<string, unknown>;
        return JSON.stringify([answer.status, problem]);
      }),
    );
    expect(new Set(told).size).toBe(1);
    expect(told[0]).toContain('"code":"unsigned"');
    expect(await service.store.payoutRecords.waitingNews(account.id, 'tremendous', null, 9)).toEqual([]);
  });

  test('answers what is signed and cannot be read with 400, so that nobody takes it for done', async () => {
    const answer = await post('{"event":"REWARDS.CANCELED"}');
    expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([400, 'malformed_delivery']);
  });

  test('answers with 503 when it could not be kept, so that the provider sends it again', async () => {
    await service.close();
    service = await startHttp({
      providers: new Map([['tremendous', brokenProvider()]]),
    });
    const answer = await post(event());
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5']);
    expect(await answer.text()).not.toContain('secret internals');
  });

  test('listens no longer to who sends much that is not signed', async () => {
    for (let sent = 0; sent < 61; sent += 1) await post(event(), { key: 'wrong' });
    const blocked = await post(event());
    expect([blocked.status, Number(blocked.headers.get('retry-after')) > 0]).toEqual([429, true]);
  });

  test('takes POST only, JSON only, and no more than a provider sends', async () => {
    const url = `${service.url}/webhooks/payouts/tremendous/${account.id}`;
    expect((await fetch(url)).status).toBe(405);
    expect((await post(event(), { headers: { 'content-type': 'text/plain' } })).status).toBe(415);
    expect((await post(JSON.stringify({ long: 'x'.repeat(300_000) }))).status).toBe(413);
  });
});

function brokenProvider() {
  const provider = credit();
  return {
    ...provider,
    name: 'tremendous',
    open: async () => ({
      ...(await provider.open({ accountId: '', values: {} })),
      readNews: async () => {
        throw new Error('secret internals');
      },
    }),
  };
}
