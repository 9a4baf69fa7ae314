import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createScene, type Scene } from '../stories/scene.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { launchBrowser } from './browser.ts';
import { expectSoundPage, visiting } from './console.ts';

const DAY = 86_400_000;
const PATIENCE = { timeout: 30_000 };

let stack: Stack;
let scene: Scene;
let browser: Browser;
const { enter, at } = visiting(() => ({ stack, browser }));

beforeAll(async () => {
  [stack, browser] = await Promise.all([startStack(), launchBrowser()]);
  scene = createScene(stack);
  await stack.install();
}, 120_000);
afterAll(async () => {
  await browser?.close();
  await stack?.close();
});

const closing = (days: number) => new Date(Math.floor(Date.now() / DAY) * DAY + days * DAY + DAY / 2).toISOString();

/** What a webhook would not tell: only the sweep sees a close date. */
async function sweep(): Promise<void> {
  const [connection] = await stack.service.store.connections.listConnected();
  if (!connection) throw new Error('not connected');
  await stack.service.container.reconcile.sweep(connection);
  await stack.settle();
}

/** A pair whose deal is to close in so many days. */
function open(days: number | null, properties: Record<string, string>, names?: [string, string]): string {
  const { dealId } = scene.pair(false, names);
  scene.edit('deal', dealId, { ...(days === null ? {} : { closedate: closing(days) }), ...properties });
  return dealId;
}

const cellOf = (page: Page, row: string | RegExp, column: number) =>
  page.getByRole('region', { name: 'Forecast in EUR' }).getByRole('row', { name: row }).locator('td,th').nth(column);

test('finance sees what open deals may still cost, looks behind a figure, and the forecast follows a deal that moves on', async () => {
  const one = await enter('fay@acme.test', ['finance']);
  const { page } = one;
  await page.goto(at('money'));
  await page.getByRole('heading', { name: 'What open deals may still cost' }).waitFor();
  await page.getByText('Not counted yet').waitFor();
  await expectSoundPage(one, 'forecast-none');

  const engine = open(40, {}, ['Ada', 'Grace']);
  open(40, { amount: '2400.00', dealstage: 'presentationscheduled', dealname: 'Turbine' }, ['Ada', 'Linus']);
  open(75, { amount: '12500.00', dealstage: 'qualifiedtobuy', dealname: 'Power station' }, ['Edsger', 'Barbara']);
  open(130, { amount: '800.00', dealstage: 'decisionmakerboughtin', dealname: 'Pump' }, ['Edsger', 'Ken']);
  open(-20, { amount: '950.00', dealstage: 'contractsent', dealname: 'Valve' }, ['Ada', 'Radia']);
  open(null, { dealname: 'Gearbox' }, ['Ada', 'Anita']);
  open(100, { amount: '', dealname: 'Boiler' }, ['Ada', 'Donald']);
  await stack.settle();
  await sweep();
  await page.getByRole('button', { name: 'Count now' }).click();
  await page.getByText('from 7 open deals').waitFor(PATIENCE);
  // 100 and 50 at 20 %, 240 and 50 at 60 %.
  const month = new Date(closing(40)).toLocaleDateString('en-GB', { year: 'numeric', month: 'short', timeZone: 'UTC' });
  await page.getByRole('button', { name: `Deals of ${month}: 2` }).waitFor();
  expect(await cellOf(page, new RegExp(`^${month}`), 2).textContent()).toBe('€204.00');
  await page.getByText('What the forecast cannot say').waitFor();
  await page.getByText('Of 1 deal a rule cannot say what it would give.').waitFor();
  await expectSoundPage(one, 'forecast');

  await page.getByRole('button', { name: 'Show how it has moved' }).click();
  await page.getByRole('heading', { name: 'How it has moved' }).waitFor();
  await page.getByRole('region', { name: /^The forecast by day in EUR/ }).waitFor();
  await expectSoundPage(one, 'forecast-moved');

  await page.getByRole('button', { name: `Deals of ${month}: 2` }).click();
  await page.getByRole('heading', { level: 2, name: `EUR expected in ${month}` }).waitFor();
  await page.getByRole('cell', { name: 'Turbine' }).first().waitFor();
  await page.getByText('€440.00 if all are won, €204.00 weighted').waitFor();
  await expectSoundPage(one, 'forecast-lines');
  // The address is that of these deals; the way back is the browser's.
  await page.reload();
  const link = page.getByRole('link', { name: /^Open Turbine in the CRM/ }).first();
  expect(await link.getAttribute('href')).toContain('/record/0-3/');
  await page
    .getByRole('link', { name: /^Open the referral of Linus/ })
    .first()
    .click();
  await page.getByRole('heading', { level: 1, name: /Linus/ }).waitFor();
  await page.goBack();
  await page.getByRole('button', { name: 'All of the forecast' }).click();

  await page.getByRole('button', { name: 'Look at them' }).click();
  await page.getByRole('heading', { level: 2, name: 'Deals without an amount' }).waitFor();
  await page.getByText('cannot be said').waitFor();
  await page.getByText('for the member; the deal has no amount').waitFor();
  await expectSoundPage(one, 'forecast-no-amount');
  await page.goBack();

  scene.edit('deal', engine, { dealstage: 'contractsent' });
  await stack.settle();
  await page.getByRole('button', { name: 'Count again' }).click();
  // 150 at 90 % now.
  await expect.poll(() => cellOf(page, new RegExp(`^${month}`), 2).textContent(), PATIENCE).toBe('€309.00');
});

test('it is read in German, by the keyboard, and on a small screen', async () => {
  const one = await enter('fin@acme.test', ['finance'], 375);
  const { page } = one;
  await page.goto(at('money'));
  await page.getByRole('heading', { name: 'What open deals may still cost' }).waitFor();
  await page.getByRole('region', { name: 'Forecast in EUR' }).waitFor();
  await expectSoundPage(one, 'forecast-small');
  const wider = await page.evaluate('document.documentElement.scrollWidth - window.innerWidth');
  expect(wider).toBeLessThanOrEqual(0);
  const deals = page.getByRole('button', { name: /^Deals of .*: 2$/ }).first();
  await deals.focus();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 2, name: /^EUR expected in/ }).waitFor();
  await expectSoundPage(one, 'forecast-lines-small');
  await page.evaluate(`localStorage.setItem('wonward.locale', 'de')`);
  await page.goto(at('money'));
  await page.getByRole('heading', { name: 'Was offene Deals noch kosten können' }).waitFor();
  await page.getByRole('region', { name: 'Prognose in EUR' }).waitFor();
  await expectSoundPage(one, 'forecast-german');
});
