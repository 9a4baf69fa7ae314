import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ProgramDocument } from '../../src/application/program-document.ts';
import { createScene, type Scene } from '../stories/scene.ts';
import { type Json, quickClock, type Stack, startStack, TWO_SIDED } from '../support/stack.ts';

let stack: Stack;
let scene: Scene;
/** Deals in the order in which they were won: two friends of Ada, one of Bob, one that was lost again. */
let deals: string[];

beforeAll(async () => {
  stack = await startStack({ clock: quickClock() });
  scene = createScene(stack);
  const [ada, bob] = [scene.person('Ada'), scene.person('Bob')];
  await stack.install();
  deals = [];
  for (const [member, amount] of [
    [ada, '1000.00'],
    [ada, '300.00'],
    [bob, '2000.00'],
    [bob, '400.00'],
  ] as const) {
    const deal = scene.deal([scene.friendOf(member)], { amount });
    await stack.settle();
    scene.win(deal);
    await stack.settle();
    deals.push(deal);
  }
  scene.reopen(deals[3] ?? '');
  await stack.settle();
}, 120_000);
afterAll(() => stack.close());

type Rules = ProgramDocument['rules'];

async function tried(rules: Rules, period: { from?: string; to?: string } = {}): Promise<Json> {
  const program = { programId: 'default', name: 'Draft', rules };
  const { status, body } = await stack.api('POST', '/programs/dry-run', { program, ...period });
  expect(status, JSON.stringify(body)).toBe(201);
  return body;
}

const linesOf = ({ differences }: Json) =>
  differences.map(
    ({
      kind,
      deal,
      ruleKey,
      before,
      after,
    }: {
      kind: string;
      deal: { id: string };
      ruleKey: string;
      before: Json;
      after: Json;
    }) => `${kind} ${deals.indexOf(deal.id)} ${ruleKey} ${before?.amount ?? '-'} ${after?.amount ?? '-'}`,
  );
const member = { key: 'member-won', party: 'member', payout: 'credit' } as const;
const [memberRule, friendRule] = TWO_SIDED.rules as [Rules[number], Rules[number]];

describe('a dry run', () => {
  test('of what is in force finds nothing different', async () => {
    const run = await tried(TWO_SIDED.rules);
    expect(run.counts).toEqual({ same: 6, new: 0, lost: 0, changed: 0 });
    expect(run.referrals).toBe(4);
    expect(run.totals).toEqual([{ currency: 'EUR', before: '480.00', after: '480.00', difference: '0.00' }]);
    expect(run.differences).toEqual([]);
  });

  test('tells each reward that would be new, lost or another, with the reason, and what it comes to', async () => {
    const run = await tried([
      {
        ...member,
        amount: { kind: 'percent', basisPoints: 2_000 },
        conditions: [{ fact: 'deal.amount', op: 'at_least', money: { amount: '500', currency: 'EUR' } }],
      },
      {
        key: 'member-bonus',
        party: 'member',
        amount: { kind: 'fixed', money: { amount: '10', currency: 'EUR' } },
        payout: 'credit',
      },
    ]);
    expect(linesOf(run)).toEqual([
      'lost 0 friend-won 50.00 -',
      'new 0 member-bonus - 10.00',
      'changed 0 member-won 100.00 200.00',
      'lost 1 friend-won 50.00 -',
      'new 1 member-bonus - 10.00',
      'lost 1 member-won 30.00 -',
      'lost 2 friend-won 50.00 -',
      'new 2 member-bonus - 10.00',
      'changed 2 member-won 200.00 400.00',
    ]);
    const lost = run.differences.find(({ kind, ruleKey }: Json) => kind === 'lost' && ruleKey === 'member-won');
    expect(lost.why).toBe('Not rewarded: deal amount should be at least 500.00 EUR, it is 300.00 EUR.');
    expect(run.totals).toEqual([{ currency: 'EUR', before: '480.00', after: '630.00', difference: '150.00' }]);
  });

  test('applies limits over all referrals in the order in which their deals were won', async () => {
    const run = await tried([{ ...memberRule, limits: [{ per: 'member', window: 'life', count: 1 }] }, friendRule]);
    expect(linesOf(run)).toEqual(['lost 1 member-won 30.00 -']);
    expect(run.differences[0].why).toBe('The limit per member is at most 1 reward, and there were 1 before this one.');
    expect(run.limited).toBe(1);
  });

  test('counts the won referrals of each member as they came', async () => {
    const fixed = (amount: string) => ({ kind: 'fixed', money: { amount, currency: 'EUR' } }) as const;
    const run = await tried([
      {
        ...member,
        amount: {
          kind: 'by_count',
          steps: [
            { from: 1, amount: fixed('1') },
            { from: 2, amount: fixed('2') },
          ],
        },
      },
      friendRule,
    ]);
    expect(linesOf(run)).toEqual([
      'changed 0 member-won 100.00 1.00',
      'changed 1 member-won 30.00 2.00',
      'changed 2 member-won 200.00 1.00',
    ]);
  });

  test('tells what a person would have had to approve, and what would be asked of a budget', async () => {
    const run = await tried([
      { ...memberRule, usesBudget: true, review: { when: 'over', money: { amount: '99.99', currency: 'EUR' } } },
      friendRule,
    ]);
    expect(run.toReview).toBe(2);
    expect(run.budget).toEqual([{ amount: '330.00', currency: 'EUR' }]);
  });

  test('looks at its period only', async () => {
    const [second] = await scene.all(`/decisions?dealId=${deals[1]}`);
    const run = await tried([memberRule], { from: second.effectiveAt });
    expect(linesOf(run).filter((line: string) => line.includes(' 0 '))).toEqual([]);
    expect(run.counts).toEqual({ same: 2, new: 0, lost: 2, changed: 0 });
    const nothing = await tried([memberRule], { to: '2001-01-01T00:00:00.000Z' });
    expect(nothing.counts).toEqual({ same: 0, new: 0, lost: 0, changed: 0 });
  });

  test('changes nothing', async () => {
    const before = await scene.all('/journals');
    await tried([{ ...memberRule, amount: { kind: 'percent', basisPoints: 10_000 } }]);
    await stack.settle();
    expect(await scene.all('/journals')).toEqual(before);
  });

  test('is kept, and a program is published on it only as it was tried', async () => {
    const draft = { programId: 'default', name: 'Draft', rules: [memberRule] };
    const run = await tried(draft.rules);
    expect((await stack.api('GET', `/programs/dry-run/${run.id}`)).body).toEqual(run);
    const other = { ...draft, rules: [{ ...memberRule, holdDays: 1 }] };
    expect((await stack.api('POST', `/programs?dryRunId=${run.id}`, other)).body).toMatchObject({
      code: 'other_draft',
    });
    expect((await stack.api('POST', '/programs?dryRunId=dry_nobody', draft)).body).toMatchObject({
      code: 'no_such_dry_run',
    });
    const published = await stack.api('POST', `/programs?dryRunId=${run.id}`, draft);
    expect(published.body).toMatchObject({ version: 2, dryRunId: run.id, contentHash: run.contentHash });
    const elsewhere = await stack.newAccount('Other');
    expect((await stack.api('GET', `/programs/dry-run/${run.id}`, undefined, elsewhere.apiKey)).status).toBe(404);
  });
});
