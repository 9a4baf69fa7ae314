import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ProgramDocument } from '../../src/application/program-document.ts';
import { verify } from '../../src/application/verify.ts';
import { quickClock, type Stack, startStack } from '../support/stack.ts';
import { createScene } from './scene.ts';

const PROGRAM: ProgramDocument = {
  programId: 'default',
  name: 'Refunds',
  rules: [
    { key: 'member-won', party: 'member', amount: { kind: 'percent', basisPoints: 1_000 }, payout: 'credit' },
    {
      key: 'friend-won',
      party: 'friend',
      amount: { kind: 'fixed', money: { amount: '50.00', currency: 'EUR' } },
      payout: 'manual',
    },
  ],
};

let stack: Stack;
let scene: ReturnType<typeof createScene>;
beforeAll(async () => {
  stack = await startStack({ clock: quickClock(), program: PROGRAM });
  await stack.install();
  scene = createScene(stack);
});
afterAll(() => stack.close());

async function wonDeal(): Promise<string> {
  const member = scene.person('Ada');
  const deal = scene.deal([scene.friendOf(member)]);
  scene.win(deal);
  await stack.settle();
  return deal;
}

const refund = (id: string, dealId: string, amount: string, more: object = {}) =>
  stack.api('POST', '/refunds', {
    id,
    dealId,
    money: { amount, currency: 'EUR' },
    at: '2026-01-01T00:00:00.000Z',
    ...more,
  });

async function problems(): Promise<readonly string[]> {
  const found = await stack.service.store.audited(stack.clock.now(), (audit) => verify(audit));
  return [...found.problems, ...found.accounts.flatMap((account) => account.problems)];
}

describe('a deal of 1,000 EUR that is refunded', () => {
  test('in part takes its share of both rewards, once; told again it changes nothing; undone it gives them again', async () => {
    const deal = await wonDeal();
    expect(await scene.rewardsOn(deal)).toEqual(['friend approved 50.00 EUR', 'member issued 100.00 EUR']);
    expect(await refund('re_1', deal, '250.00')).toMatchObject({ status: 201, body: { deal: { id: deal } } });
    await stack.settle();
    expect(await scene.decisionsOn(deal)).toEqual(['rewarded rewarded', 'adjusted refunded_part']);
    // What has not gone out yet is granted anew, smaller: it waits in its batch still.
    expect(await scene.rewardsOn(deal)).toEqual([
      'friend approved 37.50 EUR',
      'friend voided 50.00 EUR',
      'member issued 100.00 EUR',
    ]);
    const [reward] = (await scene.all('/rewards')).filter((one) => one.party === 'member' && one.deal.id === deal);
    expect(reward.clawedBack).toBe('25.00');
    expect(await refund('re_1', deal, '250.00')).toMatchObject({ status: 200 });
    expect(await refund('re_1', deal, '251.00')).toMatchObject({ status: 409, body: { code: 'other_refund' } });
    await stack.settle();
    expect(await scene.decisionsOn(deal)).toHaveLength(2);
    expect(await problems()).toEqual([]);
    expect(await refund('re_1', deal, '250.00', { isUndone: true })).toMatchObject({ status: 201 });
    await stack.settle();
    expect((await scene.decisionsOn(deal)).at(-1)).toBe('adjusted amount_restored');
    expect(await problems()).toEqual([]);
  });

  test('in whole takes everything back, and keeps it away from a later look', async () => {
    const deal = await wonDeal();
    await refund('re_2', deal, '600.00');
    await refund('re_3', deal, '400.00');
    await stack.settle();
    expect((await scene.decisionsOn(deal)).at(-1)).toBe('reversed refunded_whole');
    expect(await scene.rewardsOn(deal)).not.toContainEqual(expect.stringMatching(/issued|approved/));
    scene.edit('deal', deal, { dealname: 'Renamed' });
    await stack.settle();
    expect((await scene.decisionsOn(deal)).at(-1)).toBe('reversed refunded_whole');
    expect(await problems()).toEqual([]);
  });

  test('of a connection that the account does not have is refused, with the place', async () => {
    expect(await refund('re_9', '1', '1.00', { connectionId: 'con_nobodys' })).toMatchObject({
      status: 422,
      body: { errors: [{ field: 'connectionId' }] },
    });
    expect(await refund('re_9', '1', '-1.00')).toMatchObject({
      status: 400,
      body: { errors: [{ field: 'money.amount' }] },
    });
    expect((await scene.list('/refunds')).map(({ id }) => id)).not.toContain('re_9');
  });
});
