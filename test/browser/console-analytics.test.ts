import { readFile } from 'node:fs/promises';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ProgramDocument } from '../../src/application/program-document.ts';
import { type Clock, systemClock } from '../../src/platform/clock.ts';
import { createScene, type Scene } from '../stories/scene.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { launchBrowser } from './browser.ts';
import { expectSoundPage, visiting } from './console.ts';

const programOf = (programId: string, name: string): ProgramDocument => ({
  programId,
  name,
  rules: [{ key: 'member-won', party: 'member', amount: { kind: 'percent', basisPoints: 1_000 }, payout: 'credit' }],
});

const DAY = 86_400_000;

/** The middle of the last quarter: what happens there is over when somebody looks. */
function middleOfLastQuarter(): number {
  const now = new Date();
  const quarter = now.getUTCMonth() - (now.getUTCMonth() % 3);
  return Date.UTC(now.getUTCFullYear(), quarter - 2, 10, 12);
}

let aheadMs = middleOfLastQuarter() - Date.now();
const clock: Clock = { ...systemClock, now: () => Date.now() + aheadMs };

let stack: Stack;
let scene: Scene;
let browser: Browser;
const { enter, at } = visiting(() => ({ stack, browser }));

beforeAll(async () => {
  [stack, browser] = await Promise.all([
    startStack({ program: programOf('default', 'Friends of Acme'), clock }),
    launchBrowser(),
  ]);
  scene = createScene(stack);
  await stack.install();
  await live();
  aheadMs = 0;
}, 240_000);
afterAll(async () => {
  await browser?.close();
  await stack?.close();
});

/** Two members, five friends in five weeks, three of whom buy; somebody who was never referred; and a second program with one friend. */
async function live(): Promise<void> {
  const members = ['Ada', 'Grace'].map((name) => scene.person(name, { lastname: 'Member' }));
  const stranger = scene.person('Nobody', { lastname: 'Knows' });
  const theirs = scene.deal([stranger], { dealname: 'Not referred', amount: '300.00' });
  for (const [index, name] of ['Bob', 'Cleo', 'Dan', 'Eve', 'Finn'].entries()) {
    const friend = scene.friendOf(members[index % 2] as string, name, { lastname: 'Friend' });
    const deal = scene.deal([friend], { dealname: `Engine for ${name}`, amount: `${(index + 1) * 500}.00` });
    await stack.settle();
    aheadMs += 5 * DAY;
    if (index < 3) scene.win(deal);
    if (index === 0) scene.win(theirs);
    await stack.settle();
    aheadMs += 2 * DAY;
  }
  await stack.api('POST', '/programs', programOf('partners', 'Partners'));
  const [member] = await scene.all('/members');
  const friend = { name: 'Gil Friend', email: 'gil@friends.example' };
  const referred = await stack.api('POST', '/referrals', { memberId: member?.id, friend });
  expect(referred.body, JSON.stringify(referred.body)).toMatchObject({ programId: 'partners' });
  await stack.settle();
  await stack.service.container.figures.foldAll(new AbortController().signal);
  expect(await stack.service.store.figures.verify(stack.accountId)).toEqual({ kind: 'equal' });
}

test('an analyst looks at the last quarter, narrows it to one program, and takes the figures along', async () => {
  const one = await enter('ana@acme.test', ['analyst']);
  const { page } = one;
  await page.getByRole('link', { name: 'Analytics' }).click();
  await page.getByRole('heading', { level: 1, name: 'Analytics' }).waitFor();
  await page.getByLabel('Period').selectOption('lastQuarter');
  await expect.poll(() => page.url()).toContain('period=lastQuarter');
  await page.getByText('6', { exact: true }).first().waitFor();
  await page.getByText('€3,000.00').first().waitFor();
  await page.getByRole('status').filter({ hasText: 'As of now' }).waitFor();
  await expectSoundPage(one, 'analytics-overview');
  const table = page.getByRole('button', { name: 'Table: Referrals and wins' });
  await table.focus();
  await page.keyboard.press('Enter');
  await page.getByRole('table', { name: 'Referrals and wins' }).waitFor();
  await expectSoundPage(one, 'analytics-trend-table');

  await page.getByLabel('Program').selectOption('partners');
  await expect.poll(() => page.url()).toContain('program=partners');
  await page.getByText('1', { exact: true }).first().waitFor();
  await page.getByText('€3,000.00').waitFor({ state: 'detached' });
  await page.getByLabel('Program').selectOption('default');
  await page.getByText('€3,000.00').first().waitFor();

  for (const [tab, shows] of [
    ['Funnel and times', /Opportunity to Won 3 5 days/],
    ['Channels', /A label in the CRM 5 3 60%/],
    ['Top members', /Ada Member 3 2 €2,000.00/],
    ['Cohorts', /€3,000.00|€500.00/],
    ['Return', /default 3 €3,000.00 €300.00 10/],
    ['Referred and others', /Lifetime value, average \(EUR\) €1,000.00 €300.00/],
  ] as const) {
    await page.getByRole('tab', { name: tab }).click();
    await page.getByRole('row', { name: shows }).first().waitFor();
    await expectSoundPage(one, `analytics-${tab.toLowerCase().replaceAll(' ', '-')}`);
  }
  // Back, reload and the address say the same.
  await page.reload();
  await page.getByRole('row', { name: /Bought again/ }).waitFor();
  await page.goBack();
  await page.getByRole('row', { name: /default 3/ }).waitFor();
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: /CSV/ }).click();
  const file = await download;
  expect(file.suggestedFilename()).toMatch(/^figures-returns-.*\.csv$/);
  expect(await readFile(await file.path(), 'utf8')).toBe(
    '"program","currency","deals","revenue","cost","revenue_per_cost"\r\n"default","EUR","3","3000.00","300.00","10"\r\n',
  );
}, 120_000);

test('on a telephone and for an empty period the screen holds', async () => {
  const one = await enter('tom@acme.test', ['analyst'], 375);
  const { page } = one;
  await page.goto(`${at('analytics')}?from=2020-01-01&to=2020-03-31&view=channels`);
  await page.getByText('Nothing in this period').waitFor();
  await expectSoundPage(one, 'analytics-narrow-empty');
  await page.goto(`${at('analytics')}?from=2020-04-01&to=2020-03-31`);
  await page.getByText('The first day is after the last.').waitFor();
  await page.goto(`${at('analytics')}?period=lastQuarter`);
  await page.getByText('€3,000.00').first().waitFor();
  await expectSoundPage(one, 'analytics-narrow');
}, 60_000);

test('whoever may not see figures is told so, by the screen and by the service', async () => {
  const one = await enter('sam@acme.test', ['sales']);
  await one.page.goto(at('analytics'));
  await one.page.getByText(/analytics\.read/).waitFor();
  expect(await one.page.getByRole('link', { name: 'Analytics' }).count()).toBe(0);
}, 60_000);
