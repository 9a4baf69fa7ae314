import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { csvOf } from '../../src/application/csv.ts';
import { couponHash } from '../../src/domain/ids.ts';
import { coupon, startDesk } from './payout-scene.ts';

let desk: Awaited<ReturnType<typeof startDesk>>;
beforeEach(async () => {
  desk = await startDesk();
});
afterEach(() => desk.close());

describe('what is written for a spreadsheet', () => {
  test.each([
    '=1+1',
    '+1',
    '-1+cmd',
    '@SUM(A1)',
    '\t=1',
    '\r=1',
    '  =HYPERLINK("http://evil.example","x")',
    '＝1',
    '|calc',
    '%0A=1',
    '\uFEFF=1',
  ])('is never a formula: %j', (name) => {
    const [, line = ''] = csvOf(['name'], [[name]]).split('\r\n');
    expect(line.startsWith(`"'`)).toBe(true);
    expect(line.endsWith('"')).toBe(true);
  });

  test('is one line for each row, with quotes doubled; numbers and ordinary names stay as they are', () => {
    const csv = csvOf(
      ['name', 'amount'],
      [
        ['Ada "the first"\nLovelace, Countess', '-12.50'],
        ['O’Neil', '900'],
      ],
    );
    expect(csv).toBe('"name","amount"\r\n"Ada ""the first"" Lovelace, Countess","-12.50"\r\n"O’Neil","900"\r\n');
  });
});

describe('codes of the shop', () => {
  test('are uploaded once, given once each, and sealed; an empty pool lets orders wait and loses none', async () => {
    expect(await desk.desk.addCoupons('acc_a', ['FIRST', 'first ', 'SECOND'], desk.money)).toEqual({
      added: 2,
      duplicates: 1,
    });
    expect(await desk.desk.addCoupons('acc_a', ['FIRST'], desk.money)).toEqual({ added: 0, duplicates: 1 });
    for (const id of ['rwd_1', 'rwd_2', 'rwd_3']) await desk.order(id, coupon);
    await desk.run();
    const states = await Promise.all(['rwd_1', 'rwd_2', 'rwd_3'].map(async (id) => (await desk.reward(id)).state));
    expect(states.sort()).toEqual(['issued', 'issued', 'issuing']);
    await desk.desk.addCoupons('acc_a', ['THIRD'], desk.money);
    desk.advance(3_600_000);
    await desk.run();
    for (const id of ['rwd_1', 'rwd_2', 'rwd_3']) expect((await desk.reward(id)).state).toBe('issued');
    const given = await Promise.all(['rwd_1', 'rwd_2', 'rwd_3'].map((id) => desk.desk.payoutOf('acc_a', id)));
    expect(given.map((payout) => payout?.voucher).sort()).toEqual(['FIRST', 'SECOND', 'THIRD']);
    expect(await desk.desk.payoutOf('acc_b', 'rwd_1')).toBeNull();
    const stored = JSON.stringify(await desk.store.payoutRecords.listSealed('coupon', null, 9));
    expect(stored).not.toMatch(/FIRST|SECOND|THIRD/);
    expect(await desk.desk.couponCounts('acc_a')).toEqual([
      { money: desk.money, free: 0, given: 3, redeemed: 0, withdrawn: 0 },
    ]);
  });

  test('that were used make their rewards redeemed, however they are spelled and however often it is told', async () => {
    await desk.desk.addCoupons('acc_a', ['Thanks-2026'], desk.money);
    const { key } = await desk.order('rwd_1', coupon);
    await desk.run();
    expect(await desk.desk.redeemCoupons('acc_a', [' THANKS-2026', 'thanks-2026', 'NOBODYS'])).toEqual([
      'redeemed',
      'already_redeemed',
      'unknown',
    ]);
    expect((await desk.reward('rwd_1')).state).toBe('redeemed');
    expect(await desk.store.coupons.withdraw('acc_a', key, 0)).toBe('too_late');
    expect(couponHash('acc_a', 'thanks-2026')).toBe(couponHash('acc_a', ' THANKS-2026 '));
    expect(couponHash('acc_b', 'thanks-2026')).not.toBe(couponHash('acc_a', 'thanks-2026'));
  });
});

describe('credentials', () => {
  test('are shown to nobody: what is secret is only said to be there, and what is left out stays', async () => {
    const { accounts } = desk;
    const set = (values: Record<string, string>) =>
      accounts.configure('acc_a', 'tremendous', new Map(Object.entries(values)));
    expect(await set({ apiKey: 'TOP-SECRET', campaignId: 'C1', webhookKey: 'ALSO-SECRET' })).toEqual({ ok: true });
    const shown = async () => (await accounts.list('acc_a')).find(({ name }) => name === 'tremendous');
    expect(
      JSON.stringify(await accounts.list('acc_a'), (_, value) => (typeof value === 'bigint' ? `${value}` : value)),
    ).not.toMatch(/SECRET/);
    expect(await shown()).toMatchObject({
      configured: true,
      values: { campaignId: 'C1' },
      secrets: ['apiKey', 'webhookKey'],
    });
    expect(await set({ campaignId: 'C2' })).toEqual({ ok: true });
    expect(await shown()).toMatchObject({
      configured: true,
      values: { campaignId: 'C2' },
      secrets: ['apiKey', 'webhookKey'],
    });
    expect(await set({ campaignId: 'C2', webhookKey: '' })).toEqual({ ok: true });
    expect(await shown()).toMatchObject({ secrets: ['apiKey'] });
    expect(await set({ apiKey: '' })).toMatchObject({
      ok: false,
      problems: [{ field: 'apiKey', problem: 'must be given' }],
    });
    expect(await set({ apiKey: 'x', environment: 'moon' })).toMatchObject({
      ok: false,
      problems: [{ field: 'environment' }],
    });
    expect(await set({ apiKey: 'x', nonsense: 'y' })).toMatchObject({
      ok: false,
      problems: [{ field: 'nonsense', isUnknown: true }],
    });
    expect(await accounts.configure('acc_a', 'nobodys', new Map())).toBeNull();
    expect((await accounts.list('acc_b')).find(({ name }) => name === 'tremendous')).toMatchObject({
      configured: false,
    });
  });

  test('lie sealed in the database, and open for their own account and provider only', async () => {
    await desk.accounts.configure('acc_a', 'tremendous', new Map([['apiKey', 'TOP-SECRET']]));
    const stored = await desk.store.payoutRecords.setting('acc_a', 'tremendous');
    expect(stored?.sealed).not.toContain('TOP-SECRET');
    await desk.store.payoutRecords.saveSetting('acc_b', 'tremendous', stored?.sealed ?? '', 0);
    await desk.store.payoutRecords.saveSetting('acc_a', 'stripe', stored?.sealed ?? '', 0);
    await expect(desk.accounts.open('acc_b', 'tremendous')).rejects.toMatchObject({ code: 'unsealable' });
    await expect(desk.accounts.open('acc_a', 'stripe')).rejects.toMatchObject({ code: 'unsealable' });
    await expect(desk.accounts.open('acc_a', 'tremendous')).resolves.toBeTruthy();
  });
});
