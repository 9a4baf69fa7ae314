import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MEMBER, PERSON_FIELDS, REFERRAL, REWARD } from '../../manifests/salesforce/package.ts';
import { parseAmount } from '../../src/domain/money.ts';
import { type SalesforceStack, startSalesforceStack } from '../support/salesforce.ts';
import { type Json, PORTAL, quickClock, type Stack, startStack } from '../support/stack.ts';
import { createScene, type Scene } from './scene.ts';

const DAY = 86_400_000;

/** Some days from now, at noon in UTC, so that no test meets a midnight; and the month that it is in. */
function inDays(days: number) {
  const at = new Date(Math.floor(Date.now() / DAY) * DAY + days * DAY + DAY / 2);
  return { iso: at.toISOString(), day: at.toISOString().slice(0, 10), month: at.toISOString().slice(0, 7) };
}

async function counted(stack: Stack): Promise<Json> {
  const { status, body: begun } = await stack.api('POST', '/forecast');
  expect(status).toBe(202);
  await expect.poll(async () => (await stack.api('GET', '/forecast')).body.running, { timeout: 30_000 }).toBeNull();
  const { body } = await stack.api('GET', '/forecast');
  expect(body.done.id).toBe(begun.id);
  return body.done;
}

const linesOf = async (stack: Stack, currency: string, month: string): Promise<Json[]> =>
  (await stack.api('GET', `/forecast/${currency}/${month}/lines`)).body.items;

/** What is kept of a deal, and what was decided: none of it may move. */
async function standing(stack: Stack, dealId: string): Promise<unknown> {
  const { store } = stack.service;
  const [connection] = await store.connections.list(stack.accountId);
  const connectionId = connection?.id ?? '';
  const [facts] = await store.reads.deals(stack.accountId, [{ connectionId, object: 'deal', id: dealId }]);
  const versions = await store.cases.recordVersions(stack.accountId, connectionId, 'deal', [dealId]);
  const { body: decisions } = await stack.api('GET', `/decisions?dealId=${dealId}`);
  const mapping = await store.connections.mapping(stack.accountId, connectionId);
  return { facts, version: versions.get(dealId), decisions: decisions.items, mapping: mapping?.version };
}

describe('what open deals in HubSpot may still cost', () => {
  let stack: Stack;
  let scene: Scene;
  beforeAll(async () => {
    stack = await startStack({ clock: quickClock() });
    scene = createScene(stack);
    await stack.install();
  }, 120_000);
  afterAll(() => stack.close());

  const sweep = async () => {
    const [connection] = await stack.service.store.connections.listConnected();
    if (!connection) throw new Error('not connected');
    await stack.service.container.reconcile.sweep(connection);
    await stack.settle();
  };

  test('is what their outlooks say, times the probability of the stage, in the month in which they are to close', async () => {
    expect((await stack.api('GET', '/forecast')).body).toEqual({ done: null, running: null });
    const soon = inDays(40);
    const { friendId, dealId } = scene.pair();
    scene.edit('deal', dealId, { closedate: soon.iso });
    const late = scene.pair();
    scene.edit('deal', late.dealId, { closedate: inDays(-40).iso, amount: '500.00', dealstage: 'contractsent' });
    const bare = scene.pair();
    scene.edit('deal', bare.dealId, { amount: '' });
    const won = scene.pair();
    scene.win(won.dealId);
    scene.friendOf(scene.person('Eve'), 'Nobody');
    await stack.settle();
    await sweep();
    const done = await counted(stack);
    // 100.00 and 50.00 at 20 %; 50.00 and 50.00 at 90 %, overdue; nothing and 50.00 at 20 %, without a date.
    expect(done).toMatchObject({
      ...{ referrals: 4, deals: 3, overdue: 1, withoutAmount: 1, withoutChance: 0, withoutCloseDate: 1 },
      totals: [{ currency: 'EUR', deals: 3, expected: '300.00', weighted: '130.00', unknown: '0.00' }],
    });
    expect(done.months).toMatchObject([
      { month: inDays(0).month, expected: '100.00', weighted: '90.00', overdue: '100.00', overdueDeals: 1 },
      { month: soon.month, expected: '150.00', weighted: '30.00', overdue: '0.00' },
      { month: null, expected: '50.00', weighted: '10.00' },
    ]);

    // The same as reps are told on the cards.
    let told = 0n;
    for (const id of [friendId, late.friendId, bare.friendId]) {
      const card = await scene.card(id);
      if (!card.ok) throw new Error(card.message);
      for (const { rewards } of card.data.referrals)
        for (const { state, money } of rewards) {
          if (state !== 'expected' || !money) continue;
          const parsed = parseAmount(money.amount, money.currency);
          told += parsed.ok ? parsed.money.minor : 0n;
        }
    }
    expect(told).toBe(30_000n);

    expect(await linesOf(stack, 'EUR', soon.month)).toMatchObject([
      { dealId, party: 'member', amount: '100.00', probability: '0.2', probabilityFrom: 'deal', isOverdue: false },
      { dealId, party: 'friend', amount: '50.00', closesAt: soon.iso, expectedOn: soon.day, lacks: null },
    ]);
    expect(await linesOf(stack, 'none', 'none')).toMatchObject([
      { dealId: bare.dealId, amount: null, lacks: 'amount_missing' },
    ]);
    const { body: csv } = await stack.api('GET', '/forecast/csv');
    expect(csv.csv.split('\r\n').filter(Boolean)).toHaveLength(4);
    await stack.service.container.figures.foldAll(new AbortController().signal);
    expect((await stack.api('GET', '/forecast/trend')).body.items).toMatchObject([
      { currency: 'EUR', expected: '300.00', weighted: '130.00', granted: '150.00' },
    ]);

    scene.edit('deal', dealId, { dealstage: 'decisionmakerboughtin' });
    await stack.settle();
    expect((await counted(stack)).months[1]).toMatchObject({ month: soon.month, weighted: '120.00' });
    scene.win(dealId);
    await stack.settle();
    expect((await counted(stack)).totals).toMatchObject([{ deals: 2, expected: '150.00', weighted: '100.00' }]);
  });

  test('moves with a close date alone: nothing is decided, no other version of the deal is kept, and HubSpot is not written to', async () => {
    const { dealId } = scene.pair();
    scene.edit('deal', dealId, { closedate: inDays(100).iso });
    await stack.settle();
    await sweep();
    const before = await standing(stack, dealId);
    scene.crm.clearCalls();
    scene.edit('deal', dealId, { closedate: inDays(200).iso });
    await sweep();
    const months = (await counted(stack)).months.map(({ month }: Json) => month);
    expect(months).toContain(inDays(200).month);
    expect(months).not.toContain(inDays(100).month);
    expect(await standing(stack, dealId)).toEqual(before);
    const [ours] = scene.crm.calls().filter(({ portalId }) => portalId === PORTAL);
    const routes = ours?.routes.map(({ method, path }) => `${method} ${path}`) ?? [];
    expect(routes).toContain('POST /crm/objects/2026-03/:objectType/batch/read');
    expect(routes.filter((route) => /^(PATCH|PUT|DELETE)|batch.(update|upsert|create|archive)/.test(route))).toEqual(
      [],
    );
  });
});

describe('what open opportunities may still cost', () => {
  let org: SalesforceStack;
  beforeAll(async () => {
    org = await startSalesforceStack({ clock: quickClock() });
    const { status, page } = await org.install();
    expect(status, page).toBe(200);
  }, 120_000);
  afterAll(() => org.close());

  test('goes by the probability that whoever sells has entered, which decides nothing and writes nothing', async () => {
    const ada = org.create('Contact', { LastName: 'Ada' });
    const bob = org.create('Contact', { LastName: 'Bob', [PERSON_FIELDS.referredBy]: ada });
    const soon = inDays(40);
    const deal = org.create('Opportunity', {
      ...{ Name: 'Acme', StageName: 'Prospecting', Amount: 1_000, CloseDate: soon.day },
    });
    org.create('OpportunityContactRole', { OpportunityId: deal, ContactId: bob, IsPrimary: true });
    await org.sweep();
    const first = await counted(org.stack);
    expect(first.months).toMatchObject([{ month: soon.month, expected: '150.00', weighted: '15.00' }]);
    const shown = () => [MEMBER, REFERRAL, REWARD].map(({ object }) => org.rows(object));
    const before = [await standing(org.stack, deal), shown()];
    org.edit(deal, { Probability: 35 });
    await org.sweep();
    expect((await counted(org.stack)).months).toMatchObject([{ expected: '150.00', weighted: '52.50' }]);
    expect([await standing(org.stack, deal), shown()]).toEqual(before);
    expect((await linesOf(org.stack, 'EUR', soon.month))[0]).toMatchObject({
      amount: '100.00',
      probability: '0.35',
      probabilityFrom: 'deal',
    });

    // An org need not show it to anybody: then the stage's counts.
    org.salesforce.control.setAccess(org.orgId, 'Opportunity', 'Probability', 'none');
    org.edit(deal, { NextStep: 'Call them' });
    await org.sweep();
    expect(await counted(org.stack)).toMatchObject({ withoutChance: 0, months: [{ weighted: '15.00' }] });
    expect((await linesOf(org.stack, 'EUR', soon.month))[0]).toMatchObject({
      probability: '0.1',
      probabilityFrom: 'stage',
    });
  });
});
