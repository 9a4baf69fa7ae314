import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ProgramDocument } from '../../src/application/program-document.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { createScene, type Scene } from '../stories/scene.ts';
import { type Json, type Stack, startStack } from '../support/stack.ts';
import { launchBrowser } from './browser.ts';
import { BY_HAND_AND_IN_CREDIT, expectSoundPage, visiting } from './console.ts';

/** Pays members by hand and friends in credit, and sends what looks doubtful to a person. */
const PROGRAM: ProgramDocument = {
  ...BY_HAND_AND_IN_CREDIT,
  risk: { signals: [{ signal: 'same_phone', weight: 60 }], reviewAt: 50 },
};

const DAY = 86_400_000;

/** Everybody's clock: months go by in these stories. Ahead of the browser's, which would forget a session of the past. */
let ahead = Date.UTC(2031, 7, 20, 9) - Date.now();
const clock = { ...systemClock, now: () => Date.now() + ahead };
const goTo = (at: number) => {
  ahead = at - Date.now();
};

let stack: Stack;
let scene: Scene;
let browser: Browser;
const { enter, at } = visiting(() => ({ stack, browser }));

beforeAll(async () => {
  [stack, browser] = await Promise.all([startStack({ program: PROGRAM, clock }), launchBrowser()]);
  scene = createScene(stack);
  await stack.install();
  await stack.api('PUT', '/providers/manual/batching', { schedule: null, approval: 'required' });
}, 120_000);
afterAll(async () => {
  await browser?.close();
  await stack?.close();
});

/** A friend of a member with a deal that is open; with one phone number the program doubts them. */
async function referred(isDoubtful = false): Promise<string> {
  const { dealId } = scene.pair(isDoubtful);
  await stack.settle();
  return dealId;
}

/** The batch that is open goes through all its steps, as somebody who calls the API does. */
async function settleBatch(): Promise<void> {
  const { body } = await stack.api('GET', '/payout-batches');
  const [batch] = body.items as Json[];
  await stack.api('POST', `/payout-batches/${batch.id}/cut`, {});
  await stack.api('POST', `/payout-batches/${batch.id}/approve`, {});
  await stack.api('POST', `/payout-batches/${batch.id}/export`);
  const { body: whole } = await stack.api('GET', `/payout-batches/${batch.id}`);
  const items = (whole.items as Json[]).map(({ orderId }) => ({ orderId, state: 'paid' }));
  const marked = await stack.api('POST', `/payout-batches/${batch.id}/marks`, { items });
  expect(marked.status).toBe(200);
  await stack.settle();
}

describe('finance closes a period', () => {
  test('sees what is unsettled, closes it with a reason, finds a later clawback in the next month, and an owner takes a close back', async () => {
    const paid = await referred();
    scene.win(paid);
    await stack.settle();
    await settleBatch();
    // Doubtful, and nobody looks at it before the month is over.
    scene.win(await referred(true));
    await stack.settle();
    // Won in August, and heard of in September.
    const late = await referred();
    goTo(Date.UTC(2031, 7, 31, 23, 59, 59));
    scene.win(late);
    goTo(Date.UTC(2031, 8, 1, 0, 0, 1));
    await stack.settle();

    // The month is over, but its clocks may not be.
    const early = await enter('fay@acme.test', ['finance']);
    await early.page.goto(at('money?tab=periods'));
    await early.page.getByRole('heading', { level: 2, name: 'August 2031 comes next' }).waitFor();
    await early.page.getByText('It can be closed from').waitFor();
    expect(await early.page.getByRole('button', { name: 'Close August 2031' }).count()).toBe(0);

    goTo(Date.UTC(2031, 8, 3, 9));
    const one = await enter('fay@acme.test', ['finance']);
    const { page } = one;
    await page.goto(at('money?tab=periods'));
    await page.getByText('open cases about rewards').waitFor();
    await page.getByText('1 batch is not settled').waitFor();
    await expectSoundPage(one, 'finance-periods-next');

    // Somebody else has the same dialog open.
    const other = await enter('fred@acme.test', ['finance']);
    await other.page.goto(at('money?tab=periods'));
    await other.page.getByRole('button', { name: 'Close August 2031' }).click();
    await other.page.getByLabel('Why all the same').fill('I close it too.');

    await page.getByRole('button', { name: 'Close August 2031' }).click();
    const dialog = page.getByRole('dialog', { name: 'Close August 2031' });
    await dialog.getByRole('button', { name: 'Close the month' }).click();
    await dialog.getByText('Say why: an auditor has nothing but this.').waitFor();
    await expectSoundPage(one, 'finance-close-dialog');
    expect((await stack.api('GET', '/periods')).body.items).toEqual([]);
    await dialog.getByLabel('Why all the same').fill('The case is decided in September.');
    await dialog.getByRole('button', { name: 'Close the month' }).click();
    await page.getByRole('heading', { level: 2, name: 'August 2031', exact: true }).waitFor();
    await page.getByText('Closed with warnings: The case is decided in September.').waitFor();
    // What was won in August and booked in September stands there, and is told here.
    await page.getByText(/later bookings? concerns? this month/).waitFor();
    await expectSoundPage(one, 'finance-period');

    // Who comes second is told by whom, and keeps what was written.
    await other.page.getByRole('dialog').getByRole('button', { name: 'Close the month' }).click();
    await other.page.getByText(/2031-08 was closed by fay@acme.test/).waitFor();
    await expectSoundPage(other, 'finance-close-second', { mayBeRefused: true });
    expect((await stack.api('GET', '/periods')).body.items).toHaveLength(1);

    // Every figure leads to its journals of the month.
    await page.getByRole('button', { name: 'Given out through providers' }).click();
    await page.getByRole('heading', { level: 2, name: 'Given out through providers in EUR' }).waitFor();
    await expectSoundPage(one, 'finance-period-accounts');
    await page.getByRole('button', { name: 'Journals of provider:manual' }).click();
    await page.getByRole('cell', { name: 'Given out' }).first().waitFor();
    expect(new URL(page.url()).searchParams.get('from')).toBe('2031-08-01');
    expect(new URL(page.url()).searchParams.get('to')).toBe('2031-08-31');

    // The deal that was paid in August is lost in September.
    goTo(Date.UTC(2031, 8, 10, 9));
    scene.reopen(paid);
    await stack.settle();
    goTo(Date.UTC(2031, 9, 2, 9));
    const next = await enter('fay@acme.test', ['finance']);
    await next.page.goto(at('money?tab=periods'));
    await next.page.getByText('Something is owed back in 1 currency').waitFor();
    await next.page.getByRole('button', { name: 'Close September 2031' }).click();
    await next.page.getByLabel('Why all the same').fill('Kept from the next reward.');
    await next.page.getByRole('button', { name: 'Close the month' }).click();
    await next.page.getByRole('heading', { level: 2, name: 'September 2031', exact: true }).waitFor();
    const receivable = next.page.getByRole('row', { name: /^Receivable/ });
    expect(await receivable.getByRole('cell').allInnerTexts()).toEqual([
      'Receivable',
      '€0.00',
      '€100.00',
      '€0.00',
      '€100.00',
    ]);
    await expectSoundPage(next, 'finance-period-next');

    // The files are what the books are.
    const file = next.page.waitForEvent('download');
    await next.page.getByRole('group', { name: 'Totals' }).getByRole('button').click();
    expect((await file).suggestedFilename()).toBe('totals-2031-09.csv');

    // Finance cannot take a close back; an owner can, with a reason, and it stays in the list.
    expect(await next.page.getByRole('button', { name: 'Take the close back' }).count()).toBe(0);
    const owner = await enter('olga@acme.test', ['owner']);
    await owner.page.goto(next.page.url());
    await owner.page.getByRole('button', { name: 'Take the close back' }).click();
    const taking = owner.page.getByRole('dialog');
    await taking.getByRole('button', { name: 'Take the close back' }).click();
    await taking.getByText('Say why: an auditor has nothing but this.').waitFor();
    await taking.getByLabel('Reason').fill('A batch was marked by mistake.');
    await expectSoundPage(owner, 'finance-reopen');
    await taking.getByRole('button', { name: 'Take the close back' }).click();
    await owner.page.getByText(/by olga@acme.test: A batch was marked by mistake./).waitFor();
    await expectSoundPage(owner, 'finance-period-taken-back');
    await owner.page.getByRole('button', { name: 'All months' }).click();
    await owner.page.getByRole('heading', { level: 2, name: 'September 2031 comes next' }).waitFor();
    await owner.page.getByRole('cell', { name: 'taken back' }).waitFor();
    await owner.page.getByRole('button', { name: 'Check all closes' }).click();
    await owner.page.getByText('All 2 closes are as they were made').waitFor();
    await expectSoundPage(owner, 'finance-periods');
    const { body } = await stack.api('GET', '/periods/verification');
    expect(body).toEqual({ periods: 2, problems: [] });

    // A month that takes long: how far it is survives a reload, and a node that dies meanwhile.
    const { periods } = stack.service.store;
    const to = Date.UTC(2031, 9, 1);
    await periods.seal(stack.accountId, to, { by: 'fay@acme.test', reason: 'Looked at.', at: clock.now() });
    await periods.noteClosing(stack.accountId, { to, journals: 210_000, total: 500_000, at: clock.now() });
    await owner.page.reload();
    await owner.page.getByText('fay@acme.test has closed it').waitFor();
    await owner.page.getByText('210,000 of 500,000 journals so far.').waitFor();
    expect(await owner.page.getByRole('button', { name: 'Close September 2031' }).count()).toBe(0);
    await expectSoundPage(owner, 'finance-closing');
    goTo(clock.now() + 3 * 60_000);
    await stack.service.container.finance.periods.closeLeft();
    await owner.page.getByRole('heading', { level: 2, name: 'October 2031 comes next' }).waitFor();
    await expect.poll(() => owner.page.getByRole('cell', { name: 'closed', exact: true }).count()).toBe(2);
  }, 180_000);

  test('maps the ledger to their own chart, and the totals are the month’s', async () => {
    const one = await enter('fay@acme.test', ['finance']);
    const { page } = one;
    await page.goto(at('money?tab=periods'));
    await page.getByRole('button', { name: 'Chart of accounts' }).click();
    const dialog = page.getByRole('dialog', { name: 'Chart of accounts' });
    await dialog.getByLabel('Your number: expense:*').fill('=6300');
    await dialog.getByLabel('Your name for it: expense:*').fill('Referral rewards');
    await expectSoundPage(one, 'finance-chart');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.waitFor({ state: 'detached' });
    const { body } = await stack.api('GET', '/periods?limit=100');
    const august = (body.items as Json[]).find(({ month }) => month === '2031-08');
    const { body: sheet } = await stack.api('GET', `/periods/${august.id}/totals/csv`);
    const rows = (sheet.csv as string)
      .trimEnd()
      .split('\r\n')
      .map((line) => line.slice(1, -1).split('","'));
    // A number that would be a formula is none in a spreadsheet.
    expect(rows.find(([number]) => number?.startsWith("'"))).toEqual(
      expect.arrayContaining(["'=6300", 'Referral rewards', 'expense:*', 'EUR']),
    );
    const cents = (text: string | undefined) => BigInt((text ?? '').replace('.', ''));
    for (const column of [4, 7]) expect(rows.slice(1).reduce((sum, row) => sum + cents(row[column]), 0n)).toBe(0n);
    const debits = rows.slice(1).reduce((sum, row) => sum + cents(row[5]), 0n);
    expect(debits).toBe((august.totals as Json[]).reduce((sum, { debits: own }) => sum + cents(own), 0n));
    expect(debits).toBeGreaterThan(0n);
  });

  test('holds what people were given in a year against thresholds by country', async () => {
    goTo(Date.UTC(2031, 9, 4, 9));
    const one = await enter('fay@acme.test', ['finance']);
    const { page } = one;
    await page.goto(at('money?tab=tax&year=2031'));
    await page.getByText('2031 was not added up yet').waitFor();
    await page.getByRole('button', { name: 'Thresholds' }).click();
    const dialog = page.getByRole('dialog', { name: 'Thresholds' });
    // What is there from the start says where it stands.
    expect(await dialog.getByLabel('Amount: US 2026').inputValue()).toBe('2000.00');
    expect(await dialog.getByLabel('Where it stands: US 2026').inputValue()).toContain('Public Law 119-21');
    await dialog.getByLabel('Contact property with the country').fill('country');
    await dialog.getByRole('button', { name: 'Add a threshold' }).click();
    const last = dialog.getByRole('row').last().getByRole('textbox');
    for (const [index, text] of ['de', '2031', '100,00', 'EUR', 'A notice', 'As our adviser told us.'].entries())
      await last.nth(index).fill(text);
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.getByText('must be a decimal above zero').waitFor();
    await expectSoundPage(one, 'finance-tax-settings', { mayBeRefused: true });
    await last.nth(2).fill('100.00');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.waitFor({ state: 'detached' });

    // Read from now on: a contact that is looked at has its country.
    const memberId = scene.person('Zoe', { lastname: 'Abroad', country: 'Germany' });
    const friendId = scene.friendOf(memberId, 'Yan', { lastname: 'Near' });
    const dealId = scene.deal([friendId], { dealname: 'Turbine', amount: '1200.00' });
    await stack.settle();
    scene.win(dealId);
    await stack.settle();
    await settleBatch();
    await page.getByRole('button', { name: 'Add up 2031' }).click();
    await page.getByRole('option', { name: 'At or above (1)' }).waitFor({ state: 'attached' });
    await page.getByRole('cell', { name: 'Zoe Abroad' }).waitFor();
    const row = await page
      .getByRole('row', { name: /Zoe Abroad/ })
      .getByRole('cell')
      .allInnerTexts();
    expect(row.slice(1)).toEqual(['DE', '€120.00', '€100.00', 'A notice', '–']);
    await expectSoundPage(one, 'finance-tax', { mayBeRefused: true });
    await page.getByLabel('List').selectOption('unknown_country');
    await page.getByText('choose the contact property that holds it').waitFor();
    await page.getByRole('cell', { name: 'country' }).first().waitFor();

    // It names people: whoever only sees figures does not see it.
    const analyst = await enter('ann@acme.test', ['analyst']);
    await analyst.page.goto(page.url());
    await analyst.page.getByText('An owner of the account can give you the permission “money.write”.').waitFor();
  });

  test('whoever may not see money sees no month', async () => {
    const one = await enter('sam@acme.test', ['sales']);
    await one.page.goto(at('money?tab=periods'));
    await one.page.getByText('An owner of the account can give you the permission “money.read”.').waitFor();
  });

  test('in German and in the dark it is the same', async () => {
    goTo(Date.UTC(2031, 9, 2, 9) + DAY);
    const one = await enter('fay@acme.test', ['finance']);
    await one.page.evaluate(
      "localStorage.setItem('wonward.locale', 'de'); localStorage.setItem('mantine-color-scheme-value', 'dark')",
    );
    await one.page.goto(at('money?tab=periods'));
    await one.page.getByRole('heading', { level: 2, name: 'Oktober 2031 ist als Nächstes dran' }).waitFor();
    await one.page.getByRole('button', { name: 'August 2031 zeigen' }).waitFor();
    await expectSoundPage(one, 'finance-periods-dark-de');
  });
});
