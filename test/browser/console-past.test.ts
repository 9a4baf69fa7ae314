import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createScene, type Scene } from '../stories/scene.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { launchBrowser } from './browser.ts';
import { BY_HAND_AND_IN_CREDIT, expectSoundPage, visiting } from './console.ts';

let stack: Stack;
let scene: Scene;
let browser: Browser;
const { enter, at } = visiting(() => ({ stack, browser }));

beforeAll(async () => {
  [stack, browser] = await Promise.all([startStack({ program: BY_HAND_AND_IN_CREDIT }), launchBrowser()]);
  scene = createScene(stack);
  await stack.install();
}, 120_000);
afterAll(async () => {
  await browser?.close();
  await stack?.close();
});

async function won(names: [string, string]) {
  const pair = scene.pair(false, names);
  await stack.settle();
  scene.win(pair.dealId);
  await stack.settle();
  return pair;
}

const DAY_MS = 86_400_000;

/** A deal of long ago that no webhook told of, with its friend. */
function wonLongAgo(friend: string, properties: Record<string, string> = {}): void {
  const speak = scene.silence();
  const friendId = scene.friendOf(scene.person('Nora', { lastname: 'Early' }), friend, { lastname: 'Past' });
  scene.deal([friendId], { dealstage: 'closedwon', ...properties }, Date.now() - 200 * DAY_MS);
  speak();
}

describe('what was won before', () => {
  test('is found from the connection and from the program, looked at by rule, and released in part by two people', async () => {
    wonLongAgo('Uma');
    wonLongAgo('Vic');
    wonLongAgo('Wim', { amount: '2000.00', deal_currency_code: 'USD' });
    await stack.api('PUT', '/account', { name: 'Acme', needsSecondPerson: true });
    const { id: connectionId } = await scene.connection();
    const since = new Date(Date.now() - 300 * DAY_MS).toISOString();
    const { id } = (await stack.api('POST', '/backfills', { connectionId, since })).body;
    const isRead = async () => {
      const { state, waiting } = (await stack.api('GET', `/backfills/${id}`)).body;
      return state === 'done' && waiting === 0;
    };
    await expect.poll(isRead, { timeout: 60_000 }).toBe(true);
    await stack.settle();

    const owner = await enter('olga@acme.test', ['owner']);
    await owner.page.goto(at('programs/default'));
    await owner.page.getByText('6 rewards for what was won before the start would have come to').waitFor();
    await expectSoundPage(owner, 'history-from-program');
    await owner.page.goto(at(`connections/${connectionId}/health?tab=history`));
    await owner.page.getByRole('link', { name: 'Show what would have been paid' }).click();
    const rules = owner.page.getByRole('table', { name: 'What would have been paid, by rule' });
    const row = rules.getByRole('row', { name: /member-won/ });
    await row.waitFor();
    const texts = async () => (await row.getByRole('cell').allInnerTexts()).slice(1, 4);
    expect(await texts()).toEqual(['Friends of Acme', '3', '€200.00\n$200.00']);
    await expectSoundPage(owner, 'history-rules');

    // One of them, by a person who may, with another one's word.
    const one = await enter('fay@acme.test', ['finance']);
    const { page } = one;
    await page.goto(at('money?tab=history'));
    await page.getByRole('button', { name: 'Show the rewards of member-won' }).click();
    await page.getByRole('link', { name: 'Uma Past' }).waitFor();
    await page
      .getByRole('row', { name: /Uma Past/ })
      .getByRole('checkbox')
      .check();
    await expectSoundPage(one, 'history-rule');
    await page.getByRole('button', { name: 'Release the one selected' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('€100.00 in one reward').waitFor();
    await dialog.getByRole('button', { name: 'Release' }).click();
    await dialog.getByText('Say why').waitFor();
    await expectSoundPage(one, 'history-release-ask');
    await dialog.getByLabel('Reason').fill('Promised in spring.');
    await dialog.getByRole('button', { name: 'Release' }).dblclick();
    await page.getByText('You asked for it: another person approves it.').waitFor();
    expect(await page.getByRole('button', { name: 'Approve' }).count()).toBe(0);
    await expectSoundPage(one, 'history-release-asked');
    expect(await scene.list('/history/releases')).toHaveLength(1);

    const other = await enter('fred@acme.test', ['finance']);
    await other.page.goto(page.url());
    await other.page.getByRole('button', { name: 'Approve' }).click();
    await other.page.getByRole('dialog').getByRole('button', { name: 'Approve' }).click();
    await other.page.getByText('1 of 1 looked at: 1 released, 0 passed over').waitFor();
    await other.page.getByText('2 rewards of the rule wait still.').waitFor();
    await page.getByText('Done', { exact: true }).waitFor();
    await expectSoundPage(one, 'history-release-done');
    await stack.api('PUT', '/account', { name: 'Acme', needsSecondPerson: false });
    await stack.settle();
    expect((await scene.list('/history?ruleKey=member-won')).map(({ money }) => money.currency).sort()).toEqual([
      'EUR',
      'USD',
    ]);
  }, 120_000);

  test('is released by the rule with what it comes to in each currency; who only reads has no button', async () => {
    const reader = await enter('ann@acme.test', ['analyst']);
    await reader.page.goto(at('money?tab=history&program=default&rule=member-won'));
    await reader.page.getByRole('link', { name: 'Vic Past' }).waitFor();
    expect(await reader.page.getByRole('button', { name: /Release/ }).count()).toBe(0);
    expect(await reader.page.getByRole('checkbox').count()).toBe(0);

    const one = await enter('fay@acme.test', ['finance'], 375);
    const { page } = one;
    await page.evaluate(
      "localStorage.setItem('wonward.locale', 'de'); localStorage.setItem('mantine-color-scheme-value', 'dark')",
    );
    await page.goto(at('money?tab=history'));
    await page.getByRole('button', { name: 'member-won freigeben' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText(/^100,00\s€ in einer Prämie$/).waitFor();
    await dialog.getByText(/^200,00\s\$ in einer Prämie$/).waitFor();
    await dialog.getByLabel('Grund').fill('Alles vom Frühjahr.');
    await expectSoundPage(one, 'history-release-375-dark-de');
    await dialog.getByRole('button', { name: 'Freigeben' }).click();
    await page.getByText('2 von 2 angesehen: 2 freigegeben, 0 übergangen').waitFor();
    await page.getByText('Von der Regel wartet nichts mehr.').waitFor();
    await expectSoundPage(one, 'history-done-375-dark-de');
    await stack.settle();
    expect(await scene.list('/history?ruleKey=member-won')).toEqual([]);
  });
});

describe('a refund', () => {
  test('is entered at its referral, tells what it takes back there, and gives it again when it came to nothing', async () => {
    const { friendId, dealId } = await won(['Rae', 'Sol']);
    const referral = await scene.referralOf(friendId);
    const one = await enter('fay@acme.test', ['finance']);
    const { page } = one;
    await page.goto(at(`referrals/${referral.id}`));
    await page.getByRole('button', { name: 'Enter a refund' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Enter a refund' }).click();
    await dialog.getByText('Write an amount such as 1500.00').waitFor();
    await dialog.getByText('Write 1 to 100 letters').waitFor();
    await expectSoundPage(one, 'refund-enter');
    await dialog.getByLabel('Amount').fill('250.00');
    await dialog.getByLabel('Number').fill('CN-1');
    await dialog.getByRole('button', { name: 'Enter a refund' }).dblclick();
    await dialog
      .getByText(/^Part of the deal was refunded/)
      .first()
      .waitFor();
    // What is approved and not paid yet just becomes less.
    await dialog
      .getByText(/^Of 1000\.00 EUR that the deal was worth, 250\.00 EUR/)
      .first()
      .waitFor();
    await expectSoundPage(one, 'refund-takes-back');
    await dialog.getByRole('button', { name: 'Close' }).last().click();
    await dialog.waitFor({ state: 'detached' });
    await page
      .getByText(/^Part of the deal was refunded/)
      .first()
      .waitFor();

    // By itself, with the address of the deal's page; another amount under one number is refused, and what was written stays.
    await page.goto(at('money?tab=refunds'));
    await page.getByRole('row', { name: /CN-1/ }).waitFor();
    await page.getByRole('button', { name: 'Enter a refund' }).click();
    await dialog.getByLabel('Deal').fill(`https://app.hubspot.com/contacts/147000001/record/0-3/${dealId}`);
    await dialog.getByLabel('Amount').fill('300.00');
    await dialog.getByLabel('Number').fill('CN-1');
    await dialog.getByRole('button', { name: 'Enter a refund' }).click();
    await dialog.getByText('A refund of this id was told with another amount or another deal.').waitFor();
    expect(await dialog.getByLabel('Amount').inputValue()).toBe('300.00');
    await expectSoundPage(one, 'refund-refused', { mayBeRefused: true });
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'It came to nothing' }).click();
    await dialog.getByRole('button', { name: 'It came to nothing' }).click();
    await dialog
      .getByText(/taken back are given again/)
      .first()
      .waitFor();
    await dialog.getByRole('button', { name: 'Close' }).last().click();
    await dialog.waitFor({ state: 'detached' });
    await page.getByRole('row', { name: /CN-1.*Came to nothing/ }).waitFor();
    await expectSoundPage(one, 'refunds', { mayBeRefused: true });
    expect(await scene.list('/refunds')).toMatchObject([{ id: 'CN-1', isUndone: true, amount: '250.00' }]);

    const reader = await enter('ann@acme.test', ['analyst']);
    await reader.page.goto(at('money?tab=refunds'));
    await reader.page.getByRole('button', { name: 'What it takes back: CN-1' }).waitFor();
    expect(await reader.page.getByRole('button', { name: 'Enter a refund' }).count()).toBe(0);
    expect(await reader.page.getByRole('button', { name: 'It came to nothing' }).count()).toBe(0);
  });
});

describe('codes for the shop', () => {
  test('are made, given out, and marked as used from a list and from a file', async () => {
    const pool = { values: [{ field: 'codes', value: 'pool' }] };
    expect((await stack.api('PUT', '/providers/coupon/credentials', pool)).status).toBe(200);
    const one = await enter('fay@acme.test', ['finance']);
    const { page } = one;
    await page.goto(at('settings/providers/coupon'));
    await page.getByText('No code yet').waitFor();
    await page.getByRole('button', { name: 'Add codes' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Add codes' }).click();
    await dialog.getByText('Write at least one code, or make some').waitFor();
    await dialog.getByLabel('Value of each').fill('25.00');
    await dialog.getByLabel('How many').fill('1001');
    await dialog.getByLabel('Prefix').fill('THANKS');
    await dialog.getByRole('button', { name: 'Make codes' }).click();
    const made = (await dialog.getByLabel('Codes, one in a line').inputValue()).split('\n');
    expect(new Set(made).size).toBe(1_001);
    expect(made[0]).toMatch(/^THANKS(-[A-Z0-9]{4}){4}$/);
    await expectSoundPage(one, 'coupons-add');
    await dialog.getByRole('button', { name: 'Add 1,001 codes' }).click();
    await dialog.getByText('1,001 codes were added.').waitFor();
    const file = page.waitForEvent('download');
    await dialog.getByRole('button', { name: 'Save the codes as a file' }).click();
    expect((await file).suggestedFilename()).toBe('codes.txt');
    await dialog.getByRole('button', { name: 'Close' }).last().click();
    await page.getByRole('row', { name: '€25.00 1,001 0 0 0' }).waitFor();

    const [rule] = BY_HAND_AND_IN_CREDIT.rules;
    const gift = {
      key: 'friend-code',
      party: 'friend',
      amount: { kind: 'fixed', money: { amount: '25.00', currency: 'EUR' } },
      payout: 'coupon',
    };
    expect((await stack.api('POST', '/programs', { ...BY_HAND_AND_IN_CREDIT, rules: [rule, gift] })).status).toBe(200);
    const { dealId } = await won(['Tia', 'Udo']);
    const [reward] = (await scene.all('/rewards')).filter(
      ({ deal, payout }) => deal.id === dealId && payout === 'coupon',
    );
    const { body: payout } = await stack.api('GET', `/rewards/${reward.id}/payout`);
    expect(made).toContain(payout.voucher);

    await page.reload();
    await page.getByRole('row', { name: '€25.00 1,000 1 0 0' }).waitFor();
    await page.getByRole('button', { name: 'Mark as used' }).click();
    await dialog.getByLabel('Codes, one in a line').fill(`${payout.voucher.toLowerCase()}\nNOBODYS`);
    await dialog.getByRole('button', { name: 'Mark 2 codes as used' }).dblclick();
    await dialog.getByText('Used now: 1').waitFor();
    await dialog.getByRole('row', { name: '2 Was given to nobody' }).waitFor();
    await expectSoundPage(one, 'coupons-marked');
    expect((await stack.api('GET', `/rewards/${reward.id}`)).body.state).toBe('redeemed');
    await dialog.getByRole('button', { name: 'Mark others' }).click();
    const csv = { name: 'used.csv', mimeType: 'text/csv', buffer: Buffer.from(`code\n${payout.voucher}\n`) };
    const chosen = page.waitForEvent('filechooser');
    await dialog.getByRole('button', { name: 'Read a CSV' }).click();
    await (await chosen).setFiles({ ...csv, buffer: Buffer.from('what\nX\n') });
    await dialog.getByText('The file cannot be read; nothing was changed.').waitFor();
    const again = page.waitForEvent('filechooser');
    await dialog.getByRole('button', { name: 'Read a CSV' }).click();
    await (await again).setFiles(csv);
    await dialog.getByText('Was used before: 1').waitFor();
    await dialog.getByRole('button', { name: 'Close' }).last().click();
    await dialog.waitFor({ state: 'detached' });
    await page.getByRole('row', { name: '€25.00 1,000 1 1 0' }).waitFor();
    const used = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Export CSV' }).click();
    expect((await used).suggestedFilename()).toMatch(/^used-rewards-.*\.csv$/);
    await expectSoundPage(one, 'coupons', { mayBeRefused: true });

    const reader = await enter('ann@acme.test', ['analyst'], 375);
    await reader.page.goto(at('settings/providers/coupon'));
    await reader.page.getByRole('row', { name: '€25.00 1,000 1 1 0' }).waitFor();
    expect(await reader.page.getByRole('button', { name: /Add codes|Mark as used/ }).count()).toBe(0);
    await expectSoundPage(reader, 'coupons-375');
  });
});
